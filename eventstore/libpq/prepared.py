"""Reads by prepared statements: planned once for a connection, sent in one message and loaded without a cursor.

# Note [The first read of a request checks its connection]
Django sends `SELECT 1` first on a connection that was kept since the last request. A prepared read needs no such check:
if the connection is lost and nothing else was sent on it, the read is sent again on a new connection.

# Note [A plan is made anew]
PostgreSQL keeps the plan of a prepared statement until the statistics of a table change. A plan that was made while the
log was almost empty may read the whole table, and the log may grow by thousands of events before autovacuum looks at
it. So a statement is prepared again after 64 uses on a connection, and each time that this number has grown eightfold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

import psycopg
from django.conf import settings
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import pq
from psycopg.adapt import AdaptersMap, Transformer
from psycopg.types.string import TextLoader

from eventstore.libpq import arrays
from eventstore.libpq.session import begin, error_of, prepare, session_of

_T = TypeVar("_T")
Value = str | int | Sequence[str] | Sequence[int]

BINARY: Final = int(pq.Format.BINARY)
TEXT: Final = int(pq.Format.TEXT)
_PACKED: Final[dict[int, Callable[[Any], bytes]]] = {
    arrays.TEXT: str.encode,
    arrays.BIGINT: arrays.bigint,
    arrays.TEXT_ARRAY: arrays.texts,
    arrays.BIGINT_ARRAY: arrays.bigints,
}
_PLANNED_AGAIN_AFTER: Final = frozenset(8**power for power in range(2, 10))
# Moments are read by psycopg's own loader, and JSON stays text.
_LOADERS: Final = {
    "jsonb": TextLoader,
    "timestamptz": psycopg.adapters.get_loader(psycopg.adapters.types["timestamptz"].oid, pq.Format.TEXT),
}
_ADAPTERS: Final = AdaptersMap(psycopg.adapters)
_ADAPTERS.register_loader("jsonb", TextLoader)


@dataclass(frozen=True)
class Prepared:
    """A statement with `%s` for each value, and the types of its values, by object id.

    Its plan is kept: use it only for a statement whose best plan does not depend on its values.
    """

    name: bytes
    sql: str
    types: tuple[int, ...]

    @cached_property
    def numbered(self) -> bytes:
        """The statement as libpq takes it, with `$1` for the first value."""
        first, *rest = self.sql.split("%s")
        return (first + "".join(f"${number}{part}" for number, part in enumerate(rest, start=1))).encode()


@dataclass(frozen=True, slots=True)
class _Context:
    """What psycopg's loaders need to know."""

    connection: "psycopg.Connection[Any]"
    adapters: AdaptersMap = _ADAPTERS


def fetch(connection: BaseDatabaseWrapper, statement: Prepared, values: Sequence[Value]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement; raises Django's errors."""
    # See Note [The first read of a request checks its connection]
    connection.validate_no_broken_transaction()
    connection.ensure_connection()
    if connection.execute_wrappers or connection.queries_logged:
        return by_cursor(connection, statement, values)
    packed = pack(statement, values)
    return retried(connection, lambda: _fetch(connection, statement, packed))


def retried(connection: BaseDatabaseWrapper, read: Callable[[], _T]) -> _T:
    """Read, and once again on a new connection if this was its first read and it is lost."""
    # See Note [The first read of a request checks its connection]
    may_be_lost = not connection.in_atomic_block and not connection.health_check_done  # type: ignore[attr-defined] # the stubs lack it
    try:
        found = read()
    except OperationalError:
        if not may_be_lost or connection.connection.pgconn.status == pq.ConnStatus.OK:
            raise
        connection.close()
        connection.ensure_connection()
        found = read()
    connection.health_check_done = True  # type: ignore[attr-defined]
    return found


def pack(statement: Prepared, values: Sequence[Value | None]) -> list[bytes | None]:
    """Return the values in binary form."""
    return [None if value is None else _PACKED[oid](value) for oid, value in zip(statement.types, values, strict=True)]


def by_cursor(
    connection: BaseDatabaseWrapper, statement: Prepared, values: Sequence[Value | None]
) -> list[tuple[Any, ...]]:
    """Return the rows through Django's cursor, because somebody logs or wraps all statements."""
    with connection.cursor() as cursor:
        for name, loader in _LOADERS.items():
            cursor.adapters.register_loader(name, loader)
        of_cursor: Any = [list(value) if isinstance(value, tuple) else value for value in values]
        cursor.execute(statement.sql, of_cursor)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _fetch(connection: BaseDatabaseWrapper, statement: Prepared, values: list[bytes | None]) -> list[tuple[Any, ...]]:
    with connection.wrap_database_errors:
        begin(connection)
        try:
            result = _result(connection, statement, values)
        except psycopg.errors.InvalidSqlStatementName:
            # DISCARD ALL or a pooler dropped the statements. An open transaction has failed.
            session_of(connection).prepared.clear()
            if connection.in_atomic_block:
                raise
            result = _result(connection, statement, values)
        return loaded(connection.connection, result)


def loaded(raw: "psycopg.Connection[Any]", result: pq.abc.PGresult) -> list[tuple[Any, ...]]:
    """Return the rows of a result."""
    return load(new_transformer(raw), result)


def new_transformer(raw: "psycopg.Connection[Any]") -> Any:
    """Return what loads the rows of results: JSON stays text."""
    return Transformer(_Context(raw))


def load(transformer: Any, result: pq.abc.PGresult) -> list[tuple[Any, ...]]:
    """Return the rows of one of several results with the same columns."""
    transformer.set_pgresult(result)
    rows: list[tuple[Any, ...]] = transformer.load_rows(0, result.ntuples, tuple)
    return rows


def _result(connection: BaseDatabaseWrapper, statement: Prepared, values: list[bytes | None]) -> pq.abc.PGresult:
    raw: psycopg.Connection[Any] = connection.connection
    formats = [BINARY] * len(values)
    if settings.PREPARED_STATEMENTS:
        prepare_anew(connection, statement)
        with raw.lock:
            result = raw.pgconn.exec_prepared(statement.name, values, formats, TEXT)  # type: ignore[arg-type] # None is null
    else:
        with raw.lock:
            result = raw.pgconn.exec_params(statement.numbered, values, statement.types, formats, TEXT)
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise error_of(result, raw)
    return result


def prepare_anew(connection: BaseDatabaseWrapper, statement: Prepared) -> None:
    """Prepare a statement unless the connection has it and its plan is young. See Note [A plan is made anew]."""
    session, raw, name = session_of(connection), connection.connection, statement.name
    session.uses[name] += 1
    if session.uses[name] in _PLANNED_AGAIN_AFTER and name in session.prepared:
        with raw.lock:
            result = raw.pgconn.exec_(b"DEALLOCATE " + name)
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise error_of(result, raw)
        session.prepared.discard(name)
    prepare(connection, name, statement.numbered, statement.types)
