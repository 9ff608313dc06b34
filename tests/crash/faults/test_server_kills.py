"""PostgreSQL is killed with -9 under load of eight writers while consumers run: no answer and no fee is wrong."""

import time
from collections import Counter
from datetime import date, timedelta
from random import Random

import pytest
from django.core.management import call_command
from django.db import connections

from eventstore import store
from eventstore.consumers.registry import consumers
from eventstore.log.verification import verify
from eventstore.models import Checkpoint
from ledger.daily_cycle import cycle
from tests.support.counting import count
from tests.support.histories.clients import Clients, judged
from tests.support.ledger.book import Book, fees
from tests.support.patience import wait_until
from tests.support.postgres.cluster import Cluster
from tests.support.processes import StartManage
from tests.support.rounds import rounds

KILLS = 12
INVOICES = 6
FIRST_DATE = date(2026, 3, 2)


@pytest.mark.usefixtures("durable_database")
def test_histories_and_fees_are_right_after_kills_of_the_server(cluster: Cluster, start_manage: StartManage) -> None:
    chance, answers = Random(3), Counter[str]()
    quick = {"CONSUMER_POLL_INTERVAL": "50"}
    processes = [start_manage("run_projector", env=quick), start_manage("run_processmanager", "late_fees", env=quick)]
    wait_until(lambda: Checkpoint.objects.filter(name="late_fees").exists())
    Book().invoices(INVOICES, FIRST_DATE - timedelta(days=1))

    def kill() -> None:
        time.sleep(chance.random() * 0.15)
        cluster.kill()
        connections.close_all()
        cluster.start()

    kills = rounds(KILLS)
    with Clients(processes=4, length=12, hesitant=False) as clients:
        begun = 0
        for seed in range(1, kills + 1):
            _wait_until_all_have_handled(begun)
            cycle(FIRST_DATE + timedelta(days=seed))
            begun = store.head().position
            history = clients.history(seed, kill)
            answers.update(type(operation.answer).__name__ for operation in history[1])
            found = judged(*history)
            assert found.state is not None, f"history {seed} has no order: {found.stuck}"
    assert min(answers["Recorded"], answers["NotDone"] + answers["Unknown"]) > 0, answers
    _wait_until_all_are_at_the_head()
    assert [process.poll() for process in processes] == [None, None]
    charged = Counter((fee.stream_id, fee.data.business_date) for fee in fees())
    assert len(charged) == charged.total() == INVOICES * kills
    count("kills of the server", {"kills": kills})
    count("answers", answers)
    count("late fees", {"charged once": len(charged)})
    verify(lambda *_: None)
    call_command("verify_ledger", verbosity=0)


def _wait_until_all_have_handled(position: int) -> None:
    """Return when each consumer is at a position, so that no more than two kills find it at the same event.

    At the third it would stop, as it must at an event whose handling loses the database again and again.
    """
    wait_until(lambda: min(_positions()) >= position)


def _wait_until_all_are_at_the_head() -> None:
    """Return when no consumer has anything left to do; fail if one has an error, or if none moves for long."""
    expected, positions = len(consumers.projectors) + 1, [-1]
    while len(positions) < expected or min(positions) < store.head().position:
        before = positions
        wait_until(lambda before=before: _positions() != before)  # type: ignore[misc] # mypy infers no default of a lambda
        positions = _positions()


def _positions() -> list[int]:
    rows = list(Checkpoint.objects.exclude(kind="rebuild").order_by("name"))
    assert [row.error_message for row in rows if row.error_message] == []
    return [row.position for row in rows]
