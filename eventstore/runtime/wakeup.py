"""Sleeping until something is appended, or a while: a hint that may be lost, for the loop looks by itself too."""

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
    """A sleep that the next append ends, where the database can do that."""

    def listen(self) -> None:
        """Take note of appends from now on."""

    def wait(self, seconds: float) -> None:
        """Sleep until an append since `listen`, the time's end, or the asking for the end of the process."""

    def close(self) -> None:
        """Let go of what it holds."""


def wake_up(stop: Stop) -> WakeUp:
    """The way that the events' database has."""
    return _Notified(stop) if connections["default"].vendor == "postgresql" else _Watching(stop)


class _Notified:
    """PostgreSQL: a connection of its own that listens; where it cannot be had, the interval alone."""

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
            if not self._heard():
                self._stop.wait(seconds, self._connection.fileno())
                self._connection.pgconn.consume_input()
                self._heard()
        except psycopg.Error:
            self.close()

    def _heard(self) -> bool:
        heard = False
        while self._connection is not None and self._connection.pgconn.notifies() is not None:
            heard = True
        return heard

    def close(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None


class _Watching:
    """SQLite: short naps, asking each time for the number that changes with every other connection's commit."""

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
