"""Acknowledged appends survive the death of the server; a lost connection neither duplicates nor loses an append."""

import threading
import time

import pytest
from django.db import connections
from django.db.utils import OperationalError

from eventstore import store
from eventstore.errors import OutcomeUnknown
from eventstore.records import IdempotencyKey
from tests.contracts.events import append, parcel, positions, registered
from tests.crash.store.losing import CancelledBefore, LostBefore
from tests.support.databases import Database
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.postgres.cluster import Cluster
from tests.support.rounds import rounds

ENOUGH = rounds(100)
"""So many appends are acknowledged between two kills of the server, which meets others that are not."""


@pytest.mark.usefixtures("durable_database")
def test_every_acknowledged_append_survives_kills_of_the_server_and_the_log_has_no_hole(cluster: Cluster) -> None:
    acknowledged: list[tuple[int, str]] = []
    for number in range(1, 4):
        stop = threading.Event()
        threads = [threading.Thread(target=_append_until_lost, args=(acknowledged, stop)) for _ in range(8)]
        for thread in threads:
            thread.start()
        wait_until(lambda most=number * ENOUGH: len(acknowledged) > most)  # type: ignore[misc] # mypy infers no default of a lambda
        cluster.kill()
        stop.set()
        for thread in threads:
            thread.join(timeout=PATIENCE_S)
        connections.close_all()
        cluster.start()
    events = {event.position: event.stream_id for event in store.read_all()}
    assert [(position, stream) for position, stream in acknowledged if events.get(position) != stream] == []
    assert list(events) == list(range(1, len(events) + 1))


def _append_until_lost(acknowledged: list[tuple[int, str]], stop: threading.Event) -> None:
    try:
        while not stop.is_set():
            stream = parcel()
            acknowledged.append((append(registered(stream)).position, stream))
    except (OperationalError, OutcomeUnknown):
        pass
    finally:
        connections.close_all()


def _hold_the_lock() -> None:
    with store.append_lock():
        time.sleep(0.4)
    connections.close_all()


def _append_in_a_thread(stream: str) -> None:
    def work() -> None:
        append(registered(stream))
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


class TestALostConnection:
    """The server process of the connection is killed at a known moment."""

    @pytest.fixture(autouse=True)
    def _postgresql(self, database: Database) -> None:
        if database.vendor != "postgresql":
            pytest.skip("SQLite has no connection to lose")

    def test_an_append_that_was_committed_before_the_loss_is_found_and_not_repeated(self) -> None:
        stream = parcel()
        holder = threading.Thread(target=_hold_the_lock)
        holder.start()
        time.sleep(0.1)
        # The append is contended, so it releases early: the connection is lost between the commit and the barrier.
        with LostBefore("pg_logical_emit_message"):
            appended = append(registered(stream))
        holder.join()
        assert positions(list(store.read_stream(stream))) == [appended.position] == [1]

    def test_an_append_that_never_arrived_is_not_sent_again_and_its_outcome_is_unknown(self) -> None:
        append(registered(parcel()))
        with LostBefore("eventstore_append"), pytest.raises(OutcomeUnknown, match="look before doing it again"):
            append(registered(parcel()), key=IdempotencyKey("client", "key", "f"))
        assert store.head().position == 1
        assert append(registered(parcel()), key=IdempotencyKey("client", "key", "f")).repeated is False


class TestACancelledStatement:
    """The error of a cancelled statement does not say whether the append was committed before."""

    @pytest.fixture(autouse=True)
    def _postgresql(self, database: Database) -> None:
        if database.vendor != "postgresql":
            pytest.skip("SQLite has no statement to cancel")

    def test_an_append_whose_barrier_is_cancelled_is_found_and_returned(self) -> None:
        stream = parcel()
        holder = threading.Thread(target=_hold_the_lock)
        holder.start()
        time.sleep(0.1)
        # The append is contended, so it releases early: the barrier comes after the commit.
        with CancelledBefore("pg_logical_emit_message"):
            appended = append(registered(stream))
        holder.join()
        assert positions(list(store.read_stream(stream))) == [appended.position] == [1]

    def test_an_append_that_is_cancelled_before_its_commit_raises_and_is_not_recorded(self) -> None:
        append(registered(parcel()))
        with CancelledBefore("eventstore_append"), pytest.raises(OperationalError, match="statement timeout"):
            append(registered(parcel()))
        assert store.head().position == 1

    @pytest.mark.usefixtures("as_superuser")
    def test_an_append_is_found_under_a_later_one_if_the_clock_of_the_server_is_hours_behind(self) -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_get_functiondef('eventstore_append_one'::regproc)")
            [definition] = cursor.fetchone()
            cursor.execute(definition.replace("clock_timestamp()", "clock_timestamp() - interval '3 hours'"))
        stream = parcel()
        holder = threading.Thread(target=_hold_the_lock)
        holder.start()
        time.sleep(0.1)
        with CancelledBefore("pg_logical_emit_message", first=lambda: _append_in_a_thread(stream)):
            appended = append(registered(stream))
        holder.join()
        assert positions(list(store.read_stream(stream))) == [appended.position, 2] == [1, 2]

    def test_no_cancelled_append_reports_a_wrong_outcome(self) -> None:
        """Appends compete, so that both kinds of commit occur, and are cancelled at random moments."""
        backends: dict[int, int] = {}
        outcomes: dict[str, bool] = {}
        failed: list[BaseException] = []
        stop = threading.Event()
        arguments = (backends, outcomes, failed, stop)
        threads = [threading.Thread(target=_append_cancelled, args=(number, *arguments)) for number in range(3)]
        for thread in threads:
            thread.start()
        with connections["default"].cursor() as cursor:
            while list(outcomes.values()).count(False) < 60 and not failed:
                for backend in list(backends.values()):
                    cursor.execute("SELECT pg_cancel_backend(%s) FROM pg_sleep(random() / 100)", [backend])
        stop.set()
        for thread in threads:
            thread.join()
        recorded = {event.stream_id for event in store.read_all()}
        assert failed == []
        assert [stream for stream, answer in outcomes.items() if answer != (stream in recorded)] == []


def _append_cancelled(
    number: int,
    backends: dict[int, int],
    outcomes: dict[str, bool],
    failed: list[BaseException],
    stop: threading.Event,
) -> None:
    """Append until `stop` is set; note for each stream whether the append reported it as recorded."""
    connection = connections["default"]
    try:
        while not stop.is_set():
            stream = parcel()
            try:
                connection.ensure_connection()
                backends[number] = connection.connection.info.backend_pid
                append(registered(stream))
                outcomes[stream] = True
            except OutcomeUnknown:
                pass
            except OperationalError:
                outcomes[stream] = False
    except BaseException as error:  # noqa: BLE001 - the test's main thread reports it
        failed.append(error)
    finally:
        connections.close_all()


class TestATransactionThatHoldsTheAppendLockTooLong:
    @pytest.fixture(autouse=True)
    def _postgresql(self, database: Database) -> None:
        if database.vendor != "postgresql":
            pytest.skip("SQLite's lock is the file's")

    def test_blocks_an_append_for_a_bounded_time_and_is_named_in_the_log(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        entered, leave = threading.Event(), threading.Event()

        def forget() -> None:
            with store.append_lock():
                entered.set()
                leave.wait(60)
            connections.close_all()

        holder = threading.Thread(target=forget)
        holder.start()
        entered.wait(60)
        with connections["default"].cursor() as cursor:
            cursor.execute("SET eventstore.append_lock_timeout = 50")
        with pytest.raises(OperationalError, match="lock timeout"):
            append(registered(parcel()))
        assert "has held the append lock for" in caplog.text
        leave.set()
        holder.join()
        assert append(registered(parcel())).position == 1
