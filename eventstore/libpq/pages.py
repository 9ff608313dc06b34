"""Reads of many rows, whose statements differ from call to call.

# Note [Rows are loaded while others are written]
The server takes as long to write a page of events as Python takes to load it. libpq hands over the first rows while the
server still writes those that follow, so both work at the same time. The page is complete before anything else is sent
on the connection.
"""

import select
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import pq

from eventstore.libpq import arrays
from eventstore.libpq.pipeline import next_result
from eventstore.libpq.prepared import BINARY, TEXT, Prepared, by_cursor, load, new_transformer, retried
from eventstore.libpq.session import begin, error_of

_Rows = list[tuple[Any, ...]]
_Parameter = tuple[int, bytes | None, int]
"""The object id of a value's type, the value, and its format."""

_AT_ONCE: Final = 50
"""So many rows are handed over together."""
_CHUNKS_SINCE: Final = 170_000
_IS_IN_CHUNKS: Final = pq.version() >= _CHUNKS_SINCE
_NUMERIC: Final = 1700
_GREATEST: Final = 2**63
_ROWS: Final = frozenset({pq.ExecStatus.TUPLES_OK, pq.ExecStatus.TUPLES_CHUNK})


def fetch_page(connection: BaseDatabaseWrapper, sql: str, values: Sequence[str | int | None]) -> _Rows:
    """Return the rows of a statement with `%s` for each value; raises Django's errors.

    See Note [Rows are loaded while others are written].
    """
    # See Note [The first read of a request checks its connection]
    connection.validate_no_broken_transaction()
    connection.ensure_connection()
    if connection.execute_wrappers or connection.queries_logged:
        return by_cursor(connection, _statement(sql), values)
    parameters, numbered = [_parameter(value) for value in values], _statement(sql).numbered

    def read() -> _Rows:
        with connection.wrap_database_errors:
            begin(connection)
            return _read(connection.connection, numbered, parameters)

    return retried(connection, read)


@lru_cache(maxsize=256)
def _statement(sql: str) -> Prepared:
    return Prepared(b"", sql, ())


def _parameter(value: str | int | None) -> _Parameter:
    if isinstance(value, int):
        if -_GREATEST <= value < _GREATEST:
            return arrays.BIGINT, arrays.bigint(value), BINARY
        return _NUMERIC, str(value).encode(), TEXT
    return arrays.TEXT, None if value is None else value.encode(), BINARY


def _read(raw: "psycopg.Connection[Any]", numbered: bytes, parameters: Sequence[_Parameter]) -> _Rows:
    types, values, formats = zip(*parameters, strict=True)
    with raw.lock:
        # At the end of a pipeline, libpq stops handing over rows in chunks; otherwise the next pipeline would begin so.
        raw.pgconn.enter_pipeline_mode()
        try:
            raw.pgconn.send_query_params(numbered, values, types, formats, TEXT)
            if _IS_IN_CHUNKS:
                raw.pgconn.set_chunked_rows_mode(_AT_ONCE)
            raw.pgconn.pipeline_sync()
            rows, failed = _received(raw)
        except BaseException:
            raw.pgconn.finish()  # else the next statement would take rows that still come for its own
            raise
        if raw.pgconn.status == pq.ConnStatus.OK:
            raw.pgconn.exit_pipeline_mode()
    if failed is not None:
        raise failed
    return rows


def _received(raw: "psycopg.Connection[Any]") -> tuple[_Rows, Exception | None]:
    """Receive everything up to the end of the pipeline; return the rows, and what failed."""
    rows: _Rows = []
    failed: Exception | None = None
    poll, transformer = select.poll(), new_transformer(raw)
    poll.register(raw.pgconn.socket, select.POLLIN)
    while (result := next_result(raw.pgconn, poll)) is not None:
        if result.status not in _ROWS:
            failed = error_of(result, raw)
        elif failed is None:
            try:
                rows += load(transformer, result)
            except psycopg.DataError as error:  # a row cannot be loaded; those that follow are received all the same
                failed = error
    if raw.pgconn.status == pq.ConnStatus.OK:
        next_result(raw.pgconn, poll)  # that of the sync
    return rows, failed
