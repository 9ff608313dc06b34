"""Histories are right under each fault: an answer is true, an error means that nothing was recorded."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from eventstore.consumers.loop import catch_up
from eventstore.consumers.registry import consumers
from eventstore.log.verification import verify
from tests.support import scratch
from tests.support.counting import count
from tests.support.databases import Database
from tests.support.histories.clients import Clients, judged
from tests.support.histories.nemesis import FAULTS, HARMLESS, Fault, behind_a_pooler
from tests.support.rounds import rounds

HISTORIES = 6
FAULTS_FELT = 6
"""The number of answers that must have been errors before a test ends."""
MOST = 2000


@pytest.fixture(autouse=True)
def _postgresql() -> None:
    if os.environ["DAYBOOK_TEST_VENDOR"] != "postgresql":
        pytest.skip("these are the faults of a server and of the way to it")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a directory with a path that is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="daybook-", dir=scratch.quick()) as name:
        yield Path(name)


def check_histories(fault: Fault, felt: int) -> Counter[str]:
    """Run histories under a fault until it was felt often enough; return how often there was which kind of answer."""
    answers: Counter[str] = Counter()
    with Clients(fault.planted, hesitant=False, length=6) as clients:
        for seed in range(1, MOST):
            history = clients.history(seed, lambda: fault.meanwhile(clients.pids))
            answers.update(type(operation.answer).__name__ for operation in history[1])
            found = judged(*history)
            assert found.state is not None, f"history {seed} has no order: {found.stuck}"
            if seed >= rounds(HISTORIES) and answers["NotDone"] + answers["Unknown"] >= felt:
                break
    verify(lambda *_: None)
    catch_up(*consumers.projectors)
    call_command("verify_ledger", verbosity=0)
    return answers


@pytest.mark.parametrize("name", FAULTS)
def test_answers_stay_right(database: Database, folder: Path, name: str) -> None:
    with FAULTS[name](database, folder) as fault:
        answers = check_histories(fault, 0 if name in HARMLESS else rounds(FAULTS_FELT))
    assert answers["Recorded"] > 0
    count(f"answers while {name}", answers)
    if name in HARMLESS:
        assert answers["NotDone"] + answers["Unknown"] == 0


def test_answers_stay_right_behind_a_pooler_in_transaction_mode(pooled: str) -> None:
    answers = check_histories(behind_a_pooler(pooled), 0)
    count("answers behind PgBouncer", answers)
    assert answers["NotDone"] + answers["Unknown"] == 0
