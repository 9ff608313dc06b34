"""Distinguishes a database that is away from a fault of the handler, and waits for the database to return."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import psycopg

from eventstore.errors import OutcomeUnknown
from eventstore.runtime.connections import close_connections
from eventstore.runtime.shutdown import Stop

_T = TypeVar("_T")
_FIRST_RECONNECT_S: Final = 0.1
_LAST_RECONNECT_S: Final = 5.0
_SQLSTATES: Final = ("08", "25006", "40", "53", "57P", "25P03", "55P03")
"""25006: after a failover the server is a standby, which refuses writes until it is promoted or we reconnect."""
_SQLITE_CODES: Final = frozenset({5, 6, 10, 13, 14})
"""SQLITE_BUSY, LOCKED, IOERR, FULL, CANTOPEN: these pass without a change to the handler."""


def is_outage(error: BaseException) -> bool:
    """Return whether an error, or its cause, says that the database is away, busy or out of room."""
    return any(_is_outage(one) for one in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _is_outage(error: BaseException) -> bool:
    match error:
        case OutcomeUnknown():
            return True
        case sqlite3.Error():
            return getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE_CODES
        case psycopg.Error(sqlstate=str(sqlstate)):
            return sqlstate.startswith(_SQLSTATES)
        case psycopg.OperationalError():
            return True
        case psycopg.InterfaceError():
            return "connection" in str(error)
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
    """Repeats what a lost database has cut short, on a new connection and after a growing delay."""

    def __init__(self, stop: Stop, report: Callable[[str], None]) -> None:
        self._stop, self._report = stop, report
        self._delays = BackOff(_FIRST_RECONNECT_S, _LAST_RECONNECT_S)

    def until_done(self, act: Callable[[], _T]) -> _T | None:
        """Return what `act` returns, however long the database is away; None if `stop` asks to end first."""
        while not self._stop.asked:
            try:
                done = act()
            except Exception as error:
                if not is_outage(error):
                    raise
                close_connections()
                delay = self._delays.delay()
                self._report(f"the database is away: {' '.join(str(error).split())}; looking again in {delay:.1f} s")
                self._stop.wait(delay)
            else:
                self._delays.reset()
                return done
        return None
