"""Sleeps until something is appended or an interval is over; a lost wake-up costs no more than the interval."""

import sqlite3
import time
from contextlib import suppress
from typing import Final, Protocol

import psycopg
from django.db import Error, connections

from eventstore.runtime.shutdown import Stop

CHANNEL: Final = "eventstore"
_LONGEST_NAP_S: Final = 0.05
_SHORTEST_NAP_S: Final = 0.005
_RETRY_S: Final = 5.0


class WakeUp(Protocol):
    """A sleep that the next append ends, if the database can do that."""

    def listen(self) -> None:
        """Notice appends from now on."""

    def wait(self, seconds: float) -> None:
        """Sleep until an append since `listen`, the end of the time, or a request to end the process."""

    def close(self) -> None:
        """Free what it holds."""


def wake_up(stop: Stop) -> WakeUp:
    """Return the kind of sleep that the events' database supports."""
    return _Notified(stop) if connections["default"].vendor == "postgresql" else _Polled(stop)


class _Notified:
    """PostgreSQL: a connection of its own that listens; without it only the interval."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._connection: psycopg.Connection | None = None
        self._retry_at = 0.0

    def listen(self) -> None:
        if self._connection is not None or time.monotonic() < self._retry_at:
            return
        parameters = connections["default"].get_connection_params()
        for name in ("cursor_factory", "context"):
            parameters.pop(name, None)
        try:
            self._connection = psycopg.connect(**parameters, autocommit=True)
            self._connection.execute(f"LISTEN {CHANNEL}")
        except psycopg.Error:
            self.close()
            self._retry_at = time.monotonic() + _RETRY_S

    def wait(self, seconds: float) -> None:
        if self._connection is None:
            self._stop.wait(seconds)
            return
        try:
            if not self._has_notification():
                self._stop.wait(seconds, self._connection.fileno())
                self._connection.pgconn.consume_input()
                self._has_notification()
        except psycopg.Error:
            self.close()

    def _has_notification(self) -> bool:
        found = False
        while self._connection is not None and self._connection.pgconn.notifies() is not None:
            found = True
        return found

    def close(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None


class _Polled:
    """SQLite: short naps; after each it reads a number that changes with every commit of another connection."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._version = -1

    def listen(self) -> None:
        self._version = self._data_version()

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        nap = _SHORTEST_NAP_S
        while not self._stop.asked and time.monotonic() < until:
            self._stop.wait(min(nap, until - time.monotonic()))
            nap = min(nap * 1.5, _LONGEST_NAP_S)
            if self._data_version() != self._version:
                return

    def close(self) -> None:
        pass

    @staticmethod
    def _data_version() -> int:
        connection = connections["default"]
        with suppress(Error, sqlite3.Error):
            connection.ensure_connection()
            row = connection.connection.execute("PRAGMA data_version").fetchone()
            return int(row[0])
        return -1
