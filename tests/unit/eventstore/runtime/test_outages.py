"""A consumer waits for the end of an outage; an error of a handler is not an outage."""

import sqlite3
import time

import psycopg
import pytest
from django.db import IntegrityError, OperationalError
from psycopg import errors

from eventstore.errors import NotDurable, OutcomeUnknown
from eventstore.runtime.outages import BackOff, Reconnecting, is_outage
from eventstore.runtime.shutdown import Stop


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
        _wrapped(errors.InternalError_("cannot assign TransactionIds during recovery")),
        _wrapped(psycopg.InterfaceError("the connection is closed")),
        _wrapped(psycopg.InternalError("received 2 results from command 'COMMIT'")),
        _wrapped(errors.QueryCanceled("canceling statement due to statement timeout")),
        _wrapped(errors.InvalidSqlStatementName('prepared statement "events" does not exist')),
        _wrapped(errors.LockNotAvailable("canceling statement due to lock timeout")),
        _wrapped(_sqlite(sqlite3.SQLITE_BUSY)),
        OutcomeUnknown("an append"),
        NotDurable("the wait was cancelled"),
    ],
    ids=lambda error: str(error)[:30],
)
def test_an_error_of_an_unreachable_or_busy_database_is_an_outage(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"),
        IntegrityError("duplicate key"),
        _wrapped(errors.UndefinedTable("no such table")),
        _wrapped(errors.NumericValueOutOfRange("too large")),
        _wrapped(errors.ConfigurationLimitExceeded("temporary file size exceeds temp_file_limit")),
        _wrapped(errors.InternalError_("an internal error of the server")),
        _wrapped(_sqlite(sqlite3.SQLITE_ERROR)),
    ],
    ids=lambda error: str(error)[:30],
)
def test_an_error_of_a_handler_is_not_an_outage(error: Exception) -> None:
    assert not is_outage(error)


def test_an_error_raised_from_an_outage_is_an_outage() -> None:
    error = ValueError("cannot read")
    error.__cause__ = _wrapped(psycopg.OperationalError("server closed the connection unexpectedly"))
    assert is_outage(error)


def test_an_error_raised_while_an_outage_was_handled_is_not_an_outage() -> None:
    error = ValueError("cannot read")
    error.__context__ = _wrapped(psycopg.OperationalError("server closed the connection unexpectedly"))
    assert not is_outage(error)


def test_delays_double_up_to_a_bound_and_start_again() -> None:
    back_off = BackOff(1, 60)
    delays = [back_off.delay() for _ in range(10)]
    assert all(
        most / 2 <= delay <= most for delay, most in zip(delays, (1, 2, 4, 8, 16, 32, 60, 60, 60, 60), strict=True)
    )
    back_off.reset()
    assert back_off.delay() <= 1


def test_work_that_an_outage_interrupted_is_repeated() -> None:
    tried: list[int] = []

    def act() -> str:
        tried.append(1)
        if len(tried) < 3:
            raise _wrapped(psycopg.OperationalError("server\nclosed the connection"))
        return "done"

    reports: list[str] = []
    assert Reconnecting(Stop(), reports.append).until_done(act) == "done"
    away = "the database is away: server closed the connection"
    assert [report.partition(";")[0] for report in reports] == [away, away, "the database is back"]


def test_an_outage_that_lasts_longer_than_the_patience_is_raised() -> None:
    reports: list[str] = []

    def act() -> str:
        raise _wrapped(psycopg.OperationalError("server closed the connection"))

    with pytest.raises(OperationalError):
        Reconnecting(Stop(), reports.append, patience_s=0.2).until_done(act)
    assert len(reports) >= 1
    assert all(report.startswith("the database is away") for report in reports)


def test_a_database_that_can_only_be_read_is_called_so_with_the_remedy() -> None:
    reports: list[str] = []
    tried: list[int] = []

    def act() -> None:
        tried.append(1)
        if len(tried) == 1:
            raise _wrapped(psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT"))

    Reconnecting(Stop(), reports.append).until_done(act)
    assert reports[0].startswith("the database can only be read: cannot execute INSERT; run this on the ledger itself")


def test_a_request_to_end_ends_every_wait() -> None:
    stop = Stop()
    stop.ask()
    begun = time.monotonic()
    stop.wait(60)
    assert Reconnecting(stop, lambda _: None).until_done(lambda: "done") is None
    assert time.monotonic() - begun < 30
