"""The append on PostgreSQL: one call of a function, then the barrier if the lock was released early.

migrations/sql/append.postgresql.sql defines eventstore_append, migrations/sql/append_early.postgresql.sql the procedure
that releases the lock early, and migrations/sql/append_one.postgresql.sql both for one event without a key.

# Note [Early release needs the barrier]
Under contention the append commits asynchronously, so that it releases its lock within microseconds and many commits
share one flush. Before the append is acknowledged, a transactional logical message is committed after it: this commit
waits until everything before it is on disk. A non-transactional message, pg_current_xact_id() and a plain SELECT do
not wait. If contention is expected, a procedure does both in one call. An append that meets contention unexpectedly
sends the barrier as a second statement.
"""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import pq

from eventstore.errors import IsolationTooHigh, NotDurable, OutcomeUnknown
from eventstore.libpq import arrays, packing
from eventstore.libpq.pipeline import NOTHING, only_result
from eventstore.libpq.session import Session, begin, check_at_commit, error_of, prepare, session_of
from eventstore.log.append_call import Kind, Outcome, Rows

_JOINED, _ALONE, _ALONE_EARLY = 0, 1, 2
_EARLY_APPENDS_AFTER_CONTENTION = 200
_ISOLATION_TOO_HIGH = b"DB001"
# Not SELECT * FROM: a function scan stores its one row first, which took a third of the time of the call.
_PLACES: Final = b", ".join(b"$%d" % number for number in range(1, 17))
_APPEND: Final = b"SELECT eventstore_append(" + _PLACES + b")"
_APPEND_EARLY: Final = b"CALL eventstore_append_early(" + _PLACES + b", NULL)"
_PLACES_OF_ONE: Final = b"$1, $2, $3, $4, $5, $6, $7, $8, $9, $10"
_APPEND_ONE: Final = b"SELECT eventstore_append_one(" + _PLACES_OF_ONE + b")"
_APPEND_ONE_EARLY: Final = b"CALL eventstore_append_one_early(" + _PLACES_OF_ONE + b", NULL)"
_FORMAT: Final = int(pq.Format.BINARY)
_BINARY: Final = {len(types): [_FORMAT] * len(types) for types in (packing.TYPES, packing.TYPES_OF_ONE)}
_PREPARED: Final = {
    _APPEND: (b"eventstore_append", packing.TYPES),
    _APPEND_EARLY: (b"eventstore_append_early", packing.TYPES),
    _APPEND_ONE: (b"eventstore_append_one", packing.TYPES_OF_ONE),
    _APPEND_ONE_EARLY: (b"eventstore_append_one_early", packing.TYPES_OF_ONE),
}
"""The name of each prepared statement, and the types of its parameters."""
_BARRIER: Final = b"SELECT pg_logical_emit_message(true, 'eventstore', '')"
_IS_RUNNING: Final = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
_BOUND_THE_WAIT: Final = (
    "SELECT set_config('lock_timeout',"
    " coalesce(nullif(current_setting('eventstore.append_lock_timeout', true), ''), '10s'), true),"
    " eventstore_limit_idle_time()"
)
_HOLDER: Final = (
    "SELECT a.pid, a.state, extract(epoch FROM clock_timestamp() - a.xact_start) FROM pg_locks l"
    " JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted"
    " AND (l.classid::bigint << 32) + l.objid::bigint = 4919131752989213764 AND l.database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_LOCK: Final = "SELECT pg_advisory_xact_lock(4919131752989213764)"

_CANCELLED: Final = "the wait for the synchronous standby was cancelled"
_TUPLES_OK: Final = int(pq.ExecStatus.TUPLES_OK)
_KINDS: Final = tuple(Kind)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_OF_POSTGRESQL: Final = datetime(2000, 1, 1, tzinfo=UTC)
_ANSWER_OF_ONE: Final = struct.Struct("!qqq?")


def append(connection: BaseDatabaseWrapper, rows: Rows, meanwhile: Iterator[object]) -> Outcome:
    """Append in one call: as part of the open transaction, otherwise alone and durable when it returns.

    Raises NotDurable if it is recorded, but the wait for the synchronous standby was cancelled.
    """
    session = session_of(connection)
    waits = session.cancelled_waits
    joined = connection.in_atomic_block or not connection.autocommit
    how = _JOINED if joined else _ALONE_EARLY if session.early_left else _ALONE
    is_one = rows.key is None and len(rows.event_streams) == len(rows.stream_ids) == 1
    outcome = _append_one(connection, session, how, rows, meanwhile) if is_one else None
    if outcome is None:
        outcome = _append(connection, session, how, rows, meanwhile)
    if not joined:
        if outcome.contended:
            session.early_left = _EARLY_APPENDS_AFTER_CONTENTION
        elif session.early_left:
            session.early_left -= 1
    if how != _ALONE_EARLY and (outcome.early or outcome.kind is Kind.REPEATED):
        # See Note [Early release needs the barrier]
        barrier(connection)
    if joined:
        check_at_commit(connection, lambda: OutcomeUnknown(rows.append_id))
    if session.cancelled_waits != waits:
        # See Note [A cancelled wait for the standby is no error]
        raise NotDurable(_CANCELLED)
    return outcome


def barrier(connection: BaseDatabaseWrapper) -> None:
    """Return when every earlier commit is on disk; inside a transaction, that transaction's commit waits instead.

    A transaction that only reads, such as one that finds its key repeated, would otherwise commit without a flush.
    Raises NotDurable if the wait for the synchronous standby is cancelled.
    """
    session = session_of(connection)
    waits = session.cancelled_waits
    with connection.wrap_database_errors:
        begin(connection)
        send(connection.connection, _BARRIER)
    if session.cancelled_waits != waits:
        raise NotDurable(_CANCELLED)
    check_at_commit(connection, lambda: NotDurable(_CANCELLED))


def lock(connection: BaseDatabaseWrapper) -> None:
    """Take the append lock until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_BOUND_THE_WAIT)
        cursor.execute(_LOCK)


def holder_of_lock(connection: BaseDatabaseWrapper, longer_than_s: float = 0.0) -> str:
    """Return which server process holds the append lock and for how long; "" if none has for longer than that.

    PostgreSQL shows the age of another role's transaction only to members of pg_read_all_stats.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLDER)
        found = cursor.fetchone()
    if found is not None and found[2] is None:
        return f"process {found[0]}, of another role, holds the append lock"
    if found is None or found[2] < longer_than_s:
        return ""
    return f"process {found[0]} ({found[1]}) has held the append lock for {found[2]:.1f} s"


def has_ended(connection: BaseDatabaseWrapper, backend: int) -> bool:
    """Say whether the server process of a lost connection has ended; then its outcome is final."""
    with connection.cursor() as cursor:
        cursor.execute(_IS_RUNNING, [backend])
        return cursor.fetchone() is None


def backend_of(connection: BaseDatabaseWrapper) -> int:
    """Return the process id of a connection's server process, which may have ended."""
    return session_of(connection).backend_pid


def send(
    raw: "psycopg.Connection[Any]",
    sql: bytes,
    values: list[bytes | None] | None = None,
    prepared: bytes = b"",
    meanwhile: Iterator[object] = NOTHING,
) -> bytes | None:
    """Run a statement directly through libpq and return its one value; `prepared` names a prepared statement.

    `meanwhile` is advanced until the value is there.

    psycopg's own cursors wait in Python and inspect every value, which costs as much as the statement. Raises
    psycopg's errors.
    """
    with raw.lock:
        if values is None:
            result = raw.pgconn.exec_(sql)
        elif meanwhile is not NOTHING:
            if prepared:
                raw.pgconn.send_query_prepared(prepared, values, _BINARY[len(values)], _FORMAT)
            else:
                raw.pgconn.send_query_params(sql, values, _PREPARED[sql][1], _BINARY[len(values)], _FORMAT)
            result = only_result(raw.pgconn, meanwhile)
        elif prepared:
            result = raw.pgconn.exec_prepared(prepared, values, _BINARY[len(values)], _FORMAT)  # type: ignore[arg-type] # None is null
        else:
            result = raw.pgconn.exec_params(sql, values, _PREPARED[sql][1], _BINARY[len(values)], _FORMAT)
        if result.status != _TUPLES_OK:
            raise _error(result, raw)
        return result.get_value(0, 0)


def _error(result: pq.abc.PGresult, raw: "psycopg.Connection[Any]") -> psycopg.Error | IsolationTooHigh:
    if result.error_field(pq.DiagnosticField.SQLSTATE) == _ISOLATION_TOO_HIGH:
        return IsolationTooHigh(result.get_error_message(raw.info.encoding).strip())
    return error_of(result, raw)


def _append(
    connection: BaseDatabaseWrapper, session: Session, how: int, rows: Rows, meanwhile: Iterator[object]
) -> Outcome:
    sql = _APPEND_EARLY if how == _ALONE_EARLY else _APPEND
    answer = _call(connection, session, sql, packing.pack(how, rows), meanwhile)
    assert answer is not None  # noqa: S101 - the function always answers with an array
    kind, first, last, moment, contended, early, conflict, actual, *bases = arrays.numbers(answer)
    recorded_at = _EPOCH + timedelta(microseconds=moment)
    return Outcome(_KINDS[kind], first, last, recorded_at, contended == 1, early == 1, conflict, actual, bases)


def _append_one(
    connection: BaseDatabaseWrapper, session: Session, how: int, rows: Rows, meanwhile: Iterator[object]
) -> Outcome | None:
    """Append one event to one stream, or return None if the stream has another version; _append then says which."""
    sql = _APPEND_ONE_EARLY if how == _ALONE_EARLY else _APPEND_ONE
    answer = _call(connection, session, sql, packing.pack_one(how, rows), meanwhile)
    if answer is None:
        return None
    position, version, moment, contended = _ANSWER_OF_ONE.unpack(answer)
    recorded_at = _EPOCH_OF_POSTGRESQL + timedelta(microseconds=moment)
    early = how == _ALONE_EARLY or (contended and how == _ALONE)
    return Outcome(Kind.APPENDED, position, position, recorded_at, contended, early, bases=(version - 1,))


def _call(
    connection: BaseDatabaseWrapper,
    session: Session,
    sql: bytes,
    values: list[bytes | None],
    meanwhile: Iterator[object],
) -> bytes | None:
    raw = connection.connection
    with connection.wrap_database_errors:
        begin(connection)
        try:
            return send(raw, sql, values, _prepare(connection, session, sql), meanwhile)
        except psycopg.errors.InvalidSqlStatementName:
            # DISCARD ALL or a pooler dropped the statements. Nothing was done, but an open transaction has failed.
            session.prepared.clear()
            if raw.pgconn.transaction_status != pq.TransactionStatus.IDLE:
                raise
            return send(raw, sql, values, _prepare(connection, session, sql), meanwhile)


def _prepare(connection: BaseDatabaseWrapper, session: Session, sql: bytes) -> bytes:
    name, types = _PREPARED[sql]
    if name in session.prepared:
        return name
    if not settings.PREPARED_STATEMENTS:
        return b""
    prepare(connection, name, sql, types)
    return name
