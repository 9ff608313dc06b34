"""How much a consumer does in one transaction follows how long that takes."""

import sqlite3
import time

import psycopg
import pytest
from django.db import IntegrityError, OperationalError
from psycopg import errors

from eventstore.consumers.batch_size import BatchSize, Rate
from eventstore.errors import OutcomeUnknown
from eventstore.runtime.outages import BackOff, Reconnecting, is_outage
from eventstore.runtime.shutdown import Stop


def test_a_long_transaction_is_followed_by_a_smaller_one() -> None:
    size = BatchSize(200, 1000)
    size.adapt(0.4, 200)
    assert size.limit == 40


def test_the_limit_never_shrinks_below_one() -> None:
    size = BatchSize(200, 1000)
    size.adapt(1000, 200)
    assert size.limit == 1


def test_a_short_transaction_is_followed_by_a_larger_one_up_to_the_bound() -> None:
    size = BatchSize(200, 700)
    size.adapt(0.01, 200)
    assert size.limit == 400
    size.adapt(0.01, 400)
    assert size.limit == 700


def test_a_transaction_that_was_not_full_does_not_raise_the_limit() -> None:
    size = BatchSize(200, 700)
    size.adapt(0.001, 3)
    assert size.limit == 200


def test_the_bound_holds_from_the_start() -> None:
    assert BatchSize(200, 5).limit == 5


def test_a_rate_counts_events_per_second_and_starts_again_at_zero() -> None:
    rate = Rate()
    time.sleep(0.01)
    assert 0 < rate.add(10) <= 1000
    rate.reset()
    assert rate.value == 0


def _wrapped(cause: Exception) -> OperationalError:
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


def _sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    "error",
    [
        _wrapped(psycopg.OperationalError("server closed the connection unexpectedly")),
        _wrapped(errors.AdminShutdown("terminating connection")),
        _wrapped(errors.IdleInTransactionSessionTimeout("too long")),
        _wrapped(errors.DeadlockDetected("deadlock")),
        _wrapped(errors.TooManyConnections("too many")),
        _wrapped(errors.ReadOnlySqlTransaction("a standby")),
        _wrapped(psycopg.InterfaceError("the connection is closed")),
        _wrapped(_sqlite(sqlite3.SQLITE_BUSY)),
        OutcomeUnknown("an append"),
    ],
    ids=lambda error: str(error)[:30],
)
def test_a_database_that_is_away_or_busy_is_an_outage(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"),
        IntegrityError("duplicate key"),
        _wrapped(errors.UndefinedTable("no such table")),
        _wrapped(errors.NumericValueOutOfRange("too large")),
        _wrapped(_sqlite(sqlite3.SQLITE_ERROR)),
    ],
    ids=lambda error: str(error)[:30],
)
def test_a_fault_of_the_handler_is_no_outage(error: Exception) -> None:
    assert not is_outage(error)


def test_an_error_caused_by_an_outage_is_an_outage() -> None:
    error = ValueError("cannot read")
    error.__context__ = _wrapped(psycopg.OperationalError("server closed the connection unexpectedly"))
    assert is_outage(error)


def test_delays_double_up_to_a_bound_and_start_again() -> None:
    back_off = BackOff(1, 60)
    delays = [back_off.delay() for _ in range(10)]
    assert all(
        most / 2 <= delay <= most for delay, most in zip(delays, (1, 2, 4, 8, 16, 32, 60, 60, 60, 60), strict=True)
    )
    back_off.reset()
    assert back_off.delay() <= 1


def test_work_that_an_outage_cut_short_is_repeated() -> None:
    tried: list[int] = []

    def act() -> str:
        tried.append(1)
        if len(tried) < 3:
            raise _wrapped(psycopg.OperationalError("server\nclosed the connection"))
        return "done"

    reports: list[str] = []
    assert Reconnecting(Stop(), reports.append).until_done(act) == "done"
    assert [report.partition(";")[0] for report in reports] == [
        "the database is away: server closed the connection"
    ] * 2


def test_a_request_to_end_cuts_every_wait_short() -> None:
    stop = Stop()
    stop.ask()
    begun = time.monotonic()
    stop.wait(60)
    assert Reconnecting(stop, lambda _: None).until_done(lambda: "done") is None
    assert time.monotonic() - begun < 1
