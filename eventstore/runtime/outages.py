"""Distinguishes a database that is away from a fault of the handler, and waits for the database to return."""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import psycopg
from django.db import connections

from eventstore.errors import NotDurable, OutcomeUnknown
from eventstore.runtime.connections import close_connections
from eventstore.runtime.shutdown import Stop

_T = TypeVar("_T")
_FIRST_RECONNECT_S: Final = 0.1
_LAST_RECONNECT_S: Final = 5.0
_SQLSTATES: Final = ("08", "25006", "25P03", "26000", "40", "53000", "531", "532", "533", "55P03", "57014", "57P")
"""Lost connections, a standby's refusal to write (25006), a transaction ended because it was idle (25P03), prepared
statements that DISCARD ALL or a pooler has dropped within a transaction (26000), conflicts,
resources that are used up (but not 534, a limit of the statement's own), locks and cancelled statements, shutdowns."""
_STANDBY: Final = "during recovery"
"""What a standby says, as an internal error, to a barrier: `cannot assign TransactionIds during recovery`."""
READ_ONLY: Final = (
    "run this on the ledger itself, whose database takes changes: a copy that can only be read can be verified,"
    " explained and exported"
)
"""What an operator can do whose command has to write to a database that can only be read."""
_READ_ONLY_SQLSTATE: Final = "25006"
_SQLITE_READONLY: Final = 8
_SQLITE_CODES: Final = frozenset({5, 6, 10, 13, 14})
"""SQLITE_BUSY, LOCKED, IOERR, FULL, CANTOPEN: these pass without a change to the handler."""


def is_outage(error: BaseException) -> bool:
    """Return whether an error, or what it was raised from, says that a database is away, busy or out of room.

    # Note [Which faults end a process]
    This function alone decides it. A long-lived process waits for the end of an outage and ends with every other error
    that its consumer's row does not keep.
    """
    return any(_is_outage(one) for one in causes(error))


def says_read_only(error: BaseException) -> bool:
    """Return whether an error, or what it was raised from, says that a database or its role takes no changes."""
    return any(_says_read_only(one) for one in causes(error))


def _says_read_only(error: BaseException) -> bool:
    match error:
        case sqlite3.Error():
            return getattr(error, "sqlite_errorcode", 0) & 0xFF == _SQLITE_READONLY
        case psycopg.Error():
            return error.sqlstate == _READ_ONLY_SQLSTATE
        case _:
            return False


def is_outage_of_own_connection(error: BaseException) -> bool:
    """Return whether an error is an outage of a connection of this thread that Django manages.

    A handler may use other connections: their errors are the handler's own, and so are errors that it raises while it
    handles an outage, unless it raises them from the outage.
    """
    return is_outage(error) and any(connection.errors_occurred for connection in connections.all(initialized_only=True))


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and what it was raised from."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__


def _is_outage(error: BaseException) -> bool:
    match error:
        case OutcomeUnknown() | NotDurable():
            return True
        case sqlite3.Error():
            return getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE_CODES
        case psycopg.Error(sqlstate="XX000"):
            return _STANDBY in str(error)
        case psycopg.Error(sqlstate=str(sqlstate)):
            return sqlstate.startswith(_SQLSTATES)
        case psycopg.OperationalError() | psycopg.InternalError():
            # Without an SQLSTATE these are of the client: a lost connection, or answers that do not fit the statements,
            # such as "received 2 results from command COMMIT" after a pooler or a cut connection mixed them up.
            return True
        case psycopg.InterfaceError():
            return "connection" in str(error) or "unexpected result" in str(error)
        case _:
            return "Cannot open a new connection in an atomic block" in str(error)


def jitter(most: float) -> float:
    """Return a random part of a delay."""
    return random.uniform(0, most)  # noqa: S311 - chance, not secrecy


class BackOff:
    """Delays in seconds that double with each failure up to a bound, with a random part."""

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most
        self._next = least

    def reset(self) -> None:
        """Start again with the shortest delay."""
        self._next = self._least

    def delay(self) -> float:
        """Return the next delay; processes that failed together do not retry together."""
        now, self._next = self._next, min(self._next * 2, self._most)
        return now / 2 + jitter(now / 2)


class Reconnecting:
    """Repeats what a lost database has cut short, on a new connection and after a growing delay.

    An outage of more than `patience_s` seconds is raised as the error that it is; without a bound none is. `show` is
    given True when an outage begins and False when it ends.
    """

    def __init__(
        self,
        stop: Stop,
        report: Callable[[str], None],
        patience_s: float | None = None,
        show: Callable[[bool], None] | None = None,
    ) -> None:
        self._stop, self._report, self._patience_s, self._show = stop, report, patience_s, show
        self._is_away, self._away_since = False, 0.0
        self._delays = BackOff(_FIRST_RECONNECT_S, _LAST_RECONNECT_S)

    def until_done(self, act: Callable[[], _T]) -> _T | None:
        """Return what `act` returns, after any outage has ended; None if `stop` asks to end first.

        Raises every other error. See Note [Which faults end a process].
        """
        while not self._stop.asked:
            try:
                done = act()
            except Exception as error:
                if not is_outage(error):
                    raise
                close_connections()
                if self._is_too_long():
                    raise
                self._wait(error)
            else:
                if self._is_away:
                    self._is_away = False
                    self._report("the database is back")
                    if self._show is not None:
                        self._show(False)
                self._delays.reset()
                return done
        return None

    def _is_too_long(self) -> bool:
        if not self._is_away:
            self._away_since = time.monotonic()
        return self._patience_s is not None and time.monotonic() - self._away_since > self._patience_s

    def _wait(self, error: Exception) -> None:
        if self._stop.asked:
            return  # the shutdown itself may have cancelled the statement
        delay = self._delays.delay()
        if not self._is_away and self._show is not None:
            self._show(True)
        self._is_away = True
        state, remedy = ("can only be read", f"; {READ_ONLY}") if says_read_only(error) else ("is away", "")
        said = " ".join(str(error).split())
        self._report(f"the database {state}: {said}{remedy}; looking again in {delay:.1f} s")
        self._stop.wait(delay)
