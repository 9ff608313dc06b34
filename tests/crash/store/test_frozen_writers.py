"""A writer that is frozen with SIGSTOP does not hold up the others: they append at once, or within a short limit."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection, transaction

from eventstore import store
from eventstore.libpq.session import session_of
from eventstore.records import IdempotencyKey
from tests.contracts.events import append, parcel, positions, registered
from tests.crash.store.freezing import frozen_at
from tests.support.databases import Database
from tests.support.patience import wait_until

KEY = IdempotencyKey("client", "key", "f")


@pytest.fixture(autouse=True)
def _postgresql(database: Database) -> None:
    if database.vendor != "postgresql":
        pytest.skip("SQLite's lock is the file's: see the decision on SQLite")


def _settings(**values: str) -> None:
    with connection.cursor() as cursor:
        for name, value in values.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [name.replace("__", "."), value])


def _alone() -> None:
    append(registered(parcel()))


def _early() -> None:
    connection.ensure_connection()
    session_of(connection).early_left = 10
    append(registered(parcel()))


def _repeated() -> None:
    append(registered(parcel()), key=KEY)
    append(registered(parcel()), key=KEY)


@pytest.mark.parametrize(("work", "points"), [(_alone, 2), (_early, 2), (_repeated, 8)])
def test_an_append_outside_a_transaction_holds_nobody_up_wherever_it_is_frozen(
    work: Callable[[], None], points: int
) -> None:
    for point in range(1, points + 1):
        with frozen_at(point, work) as writer:
            assert writer.reached
            _settings(eventstore__append_lock_timeout="100ms")
            assert store.append_lock_holder(0.0) == ""
            append(registered(parcel()))
            assert writer.thaw() == 0
    with frozen_at(points + 1, work) as writer:
        assert not writer.reached


def test_a_contended_append_holds_nobody_up_if_it_is_frozen_before_its_barrier(database: Database) -> None:
    with psycopg.connect(database.url) as holder, ThreadPoolExecutor(1) as thread:
        holder.execute("SELECT pg_advisory_xact_lock(4919131752989213764)")

        def release() -> None:
            with psycopg.connect(database.url, autocommit=True) as other:
                waiting = (
                    "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
                )
                wait_until(lambda: other.execute(waiting).fetchone())
            holder.rollback()

        released = thread.submit(release)
        with frozen_at(3, _alone) as writer:
            assert writer.reached
            released.result()
            _settings(eventstore__append_lock_timeout="100ms")
            append(registered(parcel()))
            assert writer.thaw() == 0


def _within_a_transaction() -> None:
    with transaction.atomic():
        append(registered(parcel(), "frozen"))


def _under_the_append_lock() -> None:
    with store.append_lock():
        append(registered(parcel(), "frozen"))


@pytest.mark.parametrize("work", [_within_a_transaction, _under_the_append_lock])
def test_a_frozen_transaction_that_holds_the_append_lock_loses_it_after_its_own_limit(
    work: Callable[[], None],
) -> None:
    def limited() -> None:
        # The limit of the session alone would never end it.
        _settings(idle_in_transaction_session_timeout="0", eventstore__append_lock_idle_timeout="300ms")
        work()

    with frozen_at(2, limited) as writer:
        assert writer.reached
        _settings(eventstore__append_lock_timeout="60s")
        appended = append(registered(parcel()))
        assert writer.thaw() == 1
    assert positions(list(store.read_all())) == [appended.position] == [1]


def test_a_shorter_limit_of_the_session_stays_and_the_next_transaction_has_the_session_s_own() -> None:
    def limit_after_append(session: str) -> str:
        _settings(idle_in_transaction_session_timeout=session, eventstore__append_lock_idle_timeout="2s")
        with transaction.atomic(), connection.cursor() as cursor:
            append(registered(parcel()))
            cursor.execute("SHOW idle_in_transaction_session_timeout")
            return str(cursor.fetchone()[0])

    assert [limit_after_append(session) for session in ("0", "1min", "500ms")] == ["2s", "2s", "500ms"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("500ms",)
