"""A commit whose wait for the synchronous standby is cancelled succeeds on PostgreSQL; nothing counts it as durable."""

from collections.abc import Callable
from threading import Thread
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction

from eventstore import store
from eventstore.errors import NotDurable, OutcomeUnknown
from eventstore.libpq.session import session_of
from eventstore.records import IdempotencyKey
from tests.contracts.events import append, parcel, registered
from tests.support.api.calling import Api, new_token, problem
from tests.support.databases import Database
from tests.support.patience import PATIENCE_S
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.standby import cancel_waits, hanging_standby

KEY = IdempotencyKey("client", "key", "f")


def _alone() -> None:
    append(registered(parcel()))


def _early() -> None:
    connection.ensure_connection()
    session_of(connection).early_left = 10
    append(registered(parcel()))


def _repeated() -> None:
    append(registered(parcel()), key=KEY)


def _in_a_transaction() -> None:
    with transaction.atomic():
        append(registered(parcel()))


def _under_the_append_lock() -> None:
    with store.append_lock():
        append(registered(parcel()))


def _barrier_in_a_transaction() -> None:
    with transaction.atomic():
        store.barrier()


CASES: dict[Callable[[], None], type[Exception]] = {
    _alone: OutcomeUnknown,
    _early: OutcomeUnknown,
    _repeated: OutcomeUnknown,
    _in_a_transaction: OutcomeUnknown,
    _under_the_append_lock: OutcomeUnknown,
    store.barrier: NotDurable,
    _barrier_in_a_transaction: NotDurable,
    lambda: store.ensure_durable(1): NotDurable,
}


def cancelled(cluster: Cluster, work: Callable[[], object]) -> object:
    """Do the work in a thread, cancel its wait for the standby, and return what it returned or raised."""
    found: list[object] = []

    def run() -> None:
        try:
            found.append(work())
        except (OutcomeUnknown, NotDurable) as error:
            found.append(error)
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    cancel_waits(cluster)
    thread.join(PATIENCE_S)
    return found[0]


def test_neither_an_append_nor_a_barrier_counts_as_durable(durable_database: Database, cluster: Cluster) -> None:
    assert durable_database.vendor == "postgresql"
    append(registered(parcel()), key=KEY)
    with hanging_standby(cluster):
        found = [type(cancelled(cluster, work)) for work in CASES]
        assert found == list(CASES.values())
        # A barrier that was cancelled has taught the process nothing: the next one waits again.
        assert isinstance(cancelled(cluster, lambda: store.ensure_durable(1)), NotDurable)
    store.ensure_durable(store.head().position)
    assert store.head().position == 5


@pytest.mark.usefixtures("durable_database")
def test_a_command_is_answered_503_and_its_key_returns_what_was_recorded(cluster: Cluster) -> None:
    api, body = Api(new_token("robot")), {"company_uuid": str(uuid4()), "name": "Bakery"}
    with hanging_standby(cluster):
        response = cancelled(cluster, lambda: api.command("register-company", body, key="once"))
    problem(response, 503, "outcome-unknown")
    again = api.command("register-company", body, key="once")
    assert again.status_code < 300
    assert store.head().position == 1
