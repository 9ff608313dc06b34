"""Telling a lost database from a fault of the handler, and waiting longer and longer for its return."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import psycopg
from django.db import connections

from eventstore.errors import OutcomeUnknown
from eventstore.runtime.shutdown import Stop

_T = TypeVar("_T")
_FIRST_RECONNECT_S: Final = 0.1
_LAST_RECONNECT_S: Final = 5.0
_SQLSTATES: Final = ("08", "25006", "40", "53", "57P", "25P03", "55P03")
"""25006: a failover has left us with a standby, which lets us read and not write until it is promoted or we move."""
_SQLITE_CODES: Final = frozenset({5, 6, 10, 13, 14})
"""SQLITE_BUSY, LOCKED, IOERR, FULL, CANTOPEN: what passes without the handler being mended."""


def is_outage(error: BaseException) -> bool:
    """Say whether an error, or what it came from, is the database being away, busy or out of room."""
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


def close_connections() -> None:
    """Close this process's connections; the next query opens new ones."""
    for connection in connections.all(initialized_only=True):
        connection.close()


def jitter(most: float) -> float:
    """A random part of a delay."""
    return random.uniform(0, most)  # noqa: S311 - chance, not secrecy


class BackOff:
    """Delays in seconds that double from one failure to the next, with a random part, up to a bound."""

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most
        self._next = least

    def reset(self) -> None:
        """Begin again with the shortest."""
        self._next = self._least

    def delay(self) -> float:
        """Return how long to wait now; consumers that failed together do not come back together."""
        now, self._next = self._next, min(self._next * 2, self._most)
        return now / 2 + jitter(now / 2)


class Reconnecting:
    """Does again, on a new connection and after a growing delay, what a lost database has cut short."""

    def __init__(self, stop: Stop, report: Callable[[str], None]) -> None:
        self._stop, self._report = stop, report
        self._delays = BackOff(_FIRST_RECONNECT_S, _LAST_RECONNECT_S)

    def until_done(self, act: Callable[[], _T]) -> _T | None:
        """Return what `act` returns, however long the database is away; None where the end is asked for before."""
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
