"""The append on PostgreSQL: one call of eventstore_append, and the barrier where its lock was released early.

# Note [Early release needs the barrier]
Under contention the append's commit is asynchronous, so that its lock is gone within microseconds and many commits
share one flush. Nothing is acknowledged before a transactional logical message has been committed after it, which
waits until everything before it is on disk. The non-transactional message, pg_current_xact_id() and a plain SELECT do
not wait.
"""

import contextlib
from weakref import WeakKeyDictionary, WeakSet

import psycopg
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from eventstore import packing
from eventstore.errors import IsolationTooHigh
from eventstore.outcome import Outcome, Rows

_JOINED, _ALONE, _ALONE_EARLY = 0, 1, 2
_EARLY_APPENDS_AFTER_CONTENTION = 200
_ISOLATION_TOO_HIGH = "DB001"
_APPEND = (
    "SELECT * FROM eventstore_append(%b::int, %b, %b, %b, %b, %b, %b, %b, %b,"
    " %b::text, %b::text, %b::bigint, %b::text, %b::text, %b::text, %b::text)"
)
_BARRIER = "SELECT pg_logical_emit_message(true, 'eventstore', '')"
_LOCK = "SELECT pg_advisory_xact_lock(4919131752989213764)"

# How many more appends of a connection release early at once, because others were appending at the same time.
_early_left: WeakKeyDictionary[BaseDatabaseWrapper, int] = WeakKeyDictionary()

# Connections that can send packed arrays.
_ready: WeakSet[psycopg.Connection[object]] = WeakSet()


def append(connection: BaseDatabaseWrapper, rows: Rows) -> Outcome:
    """Append in one call: alone and durable when it returns, or as the last act of the transaction that there is."""
    joined = connection.in_atomic_block or not connection.get_autocommit()
    left = _early_left.get(connection, 0)
    how = _JOINED if joined else _ALONE_EARLY if left else _ALONE
    outcome = _call(connection, how, rows)
    if not joined:
        _early_left[connection] = _EARLY_APPENDS_AFTER_CONTENTION if outcome.contended else max(left - 1, 0)
    if outcome.early or outcome.kind == "repeated":
        # See Note [Early release needs the barrier]
        barrier(connection)
    return outcome


def barrier(connection: BaseDatabaseWrapper) -> None:
    """Return when everything that was committed before is on disk; within a transaction its commit waits for that.

    Without it a transaction that only reads, such as one that finds its key repeated, would commit without a flush.
    """
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_BARRIER)


def lock(connection: BaseDatabaseWrapper) -> None:
    """Take the append lock until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)


def has_ended(connection: BaseDatabaseWrapper, backend: int) -> bool:
    """Say whether the server process that worked for a lost connection is gone, so that its outcome is final."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [backend])
        return cursor.fetchone() is None


def backend_of(connection: BaseDatabaseWrapper) -> int:
    """Return the process id of the server process that works for a connection."""
    with contextlib.suppress(psycopg.Error):
        return int(connection.connection.info.backend_pid)
    return 0


def _call(connection: BaseDatabaseWrapper, how: int, rows: Rows) -> Outcome:
    raw = connection.connection
    if raw not in _ready:
        packing.register(raw)
        _ready.add(raw)
    with connection.wrap_database_errors, psycopg.Cursor(raw) as cursor:
        # Django's connections prepare nothing; this one statement is worth it, and nothing else is touched.
        raw.prepare_threshold = 0 if settings.PREPARED_STATEMENTS else None
        try:
            cursor.execute(_APPEND, (how, *_parameters(rows)))
        except psycopg.DatabaseError as error:
            if error.sqlstate == _ISOLATION_TOO_HIGH:
                raise IsolationTooHigh(*error.args) from error
            raise
        finally:
            raw.prepare_threshold = None
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 - the function always answers with one row
    kind, first, last, bases, moment, contended, early, stream, actual = row
    return Outcome(kind, first or 0, last or 0, bases or (), moment, contended, early, stream or "", actual or 0)


def _parameters(rows: Rows) -> tuple[object, ...]:
    context, key = rows.context, rows.key
    return (
        packing.Texts(rows.stream_ids),
        packing.Bigints(rows.expected),
        packing.Texts(rows.event_streams),
        packing.Bigints(rows.stream_indexes),
        packing.Bigints(rows.places),
        packing.Texts(rows.types),
        packing.Bigints(rows.schema_versions),
        packing.Texts(rows.payloads),
        context.actor,
        context.correlation_id,
        context.causation,
        rows.metadata,
        *((None, None, None) if key is None else (key.scope, key.key, key.fingerprint)),
    )
