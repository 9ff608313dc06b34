"""The rules of concurrent appends, by threads and by processes, on SQLite and on PostgreSQL."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event as Signal

import psycopg
import pytest
from django.db import connection, connections, transaction
from django.test import override_settings

from eventstore import store
from eventstore.errors import WrongExpectedVersion
from eventstore.libpq.session import session_of
from eventstore.models import Event
from eventstore.records import IdempotencyKey
from tests.contracts.events import append, parcel, positions, registered, weighed
from tests.support.databases import Database
from tests.support.patience import PATIENCE_S
from tests.support.processes import Started


def in_thread(work: "object", *args: object) -> object:
    """Run the work in this thread, and close the thread's connections at the end."""
    try:
        return work(*args)  # type: ignore[operator] # any function
    finally:
        connections.close_all()


def append_many(number: int) -> list[int]:
    return [append(registered(parcel())).position for _ in range(number)]


def test_threads_get_positions_without_gaps_and_duplicates(database: Database) -> None:
    assert database.url
    with ThreadPoolExecutor(8) as threads:
        acknowledged = [p for part in threads.map(lambda _: in_thread(append_many, 25), range(8)) for p in part]  # type: ignore[attr-defined] # any function
    assert sorted(acknowledged) == list(range(1, 201))
    assert positions(list(store.read_all())) == list(range(1, 201))


def test_processes_get_positions_and_versions_without_gaps(database: Database, tmp_path: Path) -> None:
    stream = parcel()
    command = [sys.executable, "-m", "tests.support.appender", "15", stream]
    folders = [tmp_path / str(number) for number in range(4)]
    for folder in folders:
        folder.mkdir()
    started = [Started(command, database.env, folder) for folder in folders]
    assert [process.wait() for process in started] == [0] * 4
    acknowledged = [line.split() for process in started for line in process.output().splitlines()]
    assert sorted(int(position) for position, _ in acknowledged) == list(range(1, 61))
    assert [event.version for event in store.read_stream(stream)] == list(range(1, 61))
    assert {event.data.name for event in store.read_stream(stream)} == {name for _, name in acknowledged}


def test_no_event_appears_below_a_position_that_a_reader_has_seen(database: Database) -> None:
    assert database.url
    done, seen = Signal(), list[int]()

    def tail() -> None:
        while not done.is_set() or store.head().position > len(seen):
            batch = store.read_batch(from_position=len(seen) + 1, limit=50)
            seen.extend(positions(batch))

    def write_and_roll_back(number: int) -> None:
        for turn in range(number):
            with transaction.atomic():
                append(registered(parcel()), weighed(parcel()))
                transaction.set_rollback(turn % 2 == 0)
            append(registered(parcel()))

    reader = threading.Thread(target=in_thread, args=(tail,))
    reader.start()
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: in_thread(write_and_roll_back, 10), range(6)))
    done.set()
    reader.join(timeout=PATIENCE_S)
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) == 6 * (10 + 5 * 2)


def test_one_of_many_appends_that_expect_the_same_version_is_recorded(database: Database) -> None:
    assert database.url
    stream = parcel()
    start = threading.Barrier(8)

    def race(_: int) -> bool:
        start.wait()
        try:
            append(registered(stream), expected={stream: 0})
        except WrongExpectedVersion:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(lambda number: in_thread(race, number), range(8)))
    assert won.count(True) == 1
    assert [event.version for event in store.read_stream(stream)] == [1]


def test_one_of_many_appends_with_the_same_key_records_and_all_return_the_same_events(database: Database) -> None:
    assert database.url
    key = IdempotencyKey("client", "key", "fingerprint")
    start = threading.Barrier(8)

    def race(_: int) -> tuple[int, bool]:
        start.wait()
        appended = append(registered(parcel()), key=key)
        return appended.position, appended.repeated

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: in_thread(race, number), range(8)))
    assert sorted(answers) == [(1, False)] + [(1, True)] * 7  # type: ignore[type-var] # tuples compare
    assert store.head().position == 1


def test_a_stream_that_is_only_read_cannot_change_between_decision_and_append(database: Database) -> None:
    assert database.url
    read, written = parcel(), parcel()
    append(registered(read))
    decided_at = next(store.read_stream(read, backwards=True, limit=1)).version
    other = threading.Thread(target=in_thread, args=(append, weighed(read)))
    other.start()
    other.join()
    with pytest.raises(WrongExpectedVersion):
        append(registered(written), expected={read: decided_at})


def test_an_append_waits_while_another_thread_holds_the_append_lock(database: Database) -> None:
    assert database.url
    entered, order = Signal(), list[str]()

    def other() -> None:
        entered.wait()
        append(registered(parcel()))
        order.append("other")

    thread = threading.Thread(target=in_thread, args=(other,))
    thread.start()
    with store.append_lock():
        entered.set()
        time.sleep(0.2)
        append(registered(parcel()))
        order.append("holder")
    thread.join()
    assert order == ["holder", "other"]


class TestOnPostgreSQL:
    """The early release of the lock and the wake-up, which only PostgreSQL has."""

    @pytest.fixture(autouse=True)
    def _postgresql(self, database: Database) -> None:
        if database.vendor != "postgresql":
            pytest.skip("SQLite has one writer at a time and no notifications")

    def test_a_contended_append_and_the_next_ones_release_the_lock_early(self) -> None:
        connection.ensure_connection()
        holder = threading.Thread(target=in_thread, args=(self._hold_the_lock,))
        holder.start()
        while not self._somebody_holds_the_lock():
            time.sleep(0.005)
        append(registered(parcel()))
        holder.join()
        left = session_of(connections["default"]).early_left
        assert left > 100
        append(registered(parcel()))
        assert session_of(connections["default"]).early_left == left - 1

    def test_an_append_without_contention_or_inside_a_transaction_is_synchronous(self) -> None:
        append(registered(parcel()))
        session_of(connections["default"]).early_left = 10
        with transaction.atomic():
            append(registered(parcel()))
            assert self._synchronous_commit() == self._default_synchronous_commit()
        assert session_of(connections["default"]).early_left == 10

    def test_an_append_with_early_release_returns_the_same_as_any_other(self) -> None:
        append(registered(parcel()))
        session_of(connections["default"]).early_left = 10
        stream, key = parcel(), IdempotencyKey("client", "key", "f")
        first = append(registered(stream), weighed(stream), expected={stream: 0}, key=key)
        assert [(event.position, event.version) for event in first.events] == [(2, 1), (3, 2)]
        assert append(registered(stream), weighed(stream), key=key).repeated
        with pytest.raises(WrongExpectedVersion, match="is at version 2, not at 0"):
            append(registered(stream), expected={stream: 0})
        assert [event.recorded_at for event in store.read_stream(stream)] == [e.recorded_at for e in first.events]

    def test_an_early_release_makes_only_its_own_commit_asynchronous(self) -> None:
        append(registered(parcel()))
        session_of(connections["default"]).early_left = 10
        append(registered(parcel()))
        assert self._synchronous_commit() == self._default_synchronous_commit()

    def test_a_session_continues_to_append_after_its_statements_were_discarded(self) -> None:
        append(registered(parcel()))
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
        append(registered(parcel()))
        assert store.head().position == 2

    @override_settings(PREPARED_STATEMENTS=False)
    def test_an_append_works_without_prepared_statements(self) -> None:
        with transaction.atomic():
            append(registered(parcel()))
        append(registered(parcel()), weighed(parcel()))
        assert store.head().position == 3
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'eventstore_append%'")
            assert cursor.fetchone()[0] == 0

    def test_a_transaction_that_found_a_repeated_key_waits_for_the_disk_at_its_commit(self) -> None:
        key = IdempotencyKey("client", "key", "f")
        append(registered(parcel()), key=key)
        with transaction.atomic():
            assert append(registered(parcel()), key=key).repeated
            assert self._scalar("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")

    def test_an_append_wakes_a_listening_connection(self) -> None:
        parameters = connection.get_connection_params()
        with psycopg.connect(
            host=parameters["host"], dbname=parameters["dbname"], user=parameters.get("user"), autocommit=True
        ) as listener:
            listener.execute("LISTEN eventstore")
            append(registered(parcel()), weighed(parcel()))
            heard = next(listener.notifies(timeout=PATIENCE_S))
        assert heard.payload == "2"

    def test_the_category_is_the_part_before_the_first_hyphen(self) -> None:
        append(registered(parcel()))
        assert Event.objects.filter(category="parcel").count() == 1

    def _hold_the_lock(self) -> None:
        with store.append_lock():
            time.sleep(0.4)

    def _somebody_holds_the_lock(self) -> bool:
        return self._scalar("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") != 0

    def _synchronous_commit(self) -> object:
        return self._scalar("SHOW synchronous_commit")

    def _default_synchronous_commit(self) -> object:
        return self._scalar("SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'")

    def _scalar(self, sql: str) -> object:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]
