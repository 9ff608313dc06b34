"""Cancels a statement, or ends the server process of a connection, at a known moment."""

from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from eventstore.log import append_postgresql


class CancelledBefore:
    """Cancels the first statement that contains a text, as pg_cancel_backend and statement_timeout do.

    `first` is done right before.
    """

    def __init__(self, text: str, first: Callable[[], None] = lambda: None) -> None:
        self.text, self.first = text.encode(), first

    def __enter__(self) -> None:
        self.send = append_postgresql.send
        append_postgresql.send = self._cancelling  # type: ignore[assignment] # it has fewer names

    def __exit__(self, *_exception: object) -> None:
        append_postgresql.send = self.send

    def _cancelling(
        self, raw: psycopg.Connection[Any], sql: bytes, values: list[bytes | None] | None = None, *more: Any
    ) -> bytes | None:
        if self.text in sql:
            append_postgresql.send = self.send
            self.first()
            raw.execute("SET statement_timeout = 1")
            try:
                return self.send(raw, b"SELECT pg_sleep(60)")
            finally:
                raw.execute("SET statement_timeout = 0")
        return self.send(raw, sql, values, *more)


class LostBefore:
    """Ends this connection's server process just before the first statement that contains a text is sent."""

    def __init__(self, text: str) -> None:
        self.text = text.encode()

    def __enter__(self) -> None:
        self.send = append_postgresql.send
        append_postgresql.send = self._losing  # type: ignore[assignment] # it has fewer names

    def __exit__(self, *_exception: object) -> None:
        append_postgresql.send = self.send

    def _losing(
        self, raw: psycopg.Connection[Any], sql: bytes, values: list[bytes | None] | None = None, *more: Any
    ) -> bytes | None:
        if self.text in sql:
            append_postgresql.send = self.send
            self._end(raw.info.backend_pid)
        return self.send(raw, sql, values, *more)

    def _end(self, pid: int) -> None:
        parameters = connection.get_connection_params()
        with psycopg.connect(
            host=parameters["host"], dbname=parameters["dbname"], user=parameters.get("user"), autocommit=True
        ) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


class LostAtCommit:
    """Ends this connection's server process at the first commit: before it, or after it and before its answer."""

    def __init__(self, *, after: bool) -> None:
        self.after = after

    def __enter__(self) -> None:
        self.commit = BaseDatabaseWrapper._commit  # type: ignore[attr-defined] # where every commit passes
        BaseDatabaseWrapper._commit = self._losing()  # type: ignore[attr-defined] # as above

    def __exit__(self, *_exception: object) -> None:
        BaseDatabaseWrapper._commit = self.commit  # type: ignore[attr-defined] # as above

    def _losing(self) -> Callable[[BaseDatabaseWrapper], object]:
        def losing(wrapper: BaseDatabaseWrapper) -> object:
            self.__exit__()
            if self.after:
                self.commit(wrapper)
            with wrapper.wrap_database_errors:
                return wrapper.connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

        return losing
