"""The append on SQLite: one BEGIN IMMEDIATE transaction, which holds the database's only write lock.

On PostgreSQL the same steps are one function, migrations/sql/append.postgresql.sql.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from eventstore.clock import utc_now
from eventstore.log.append_call import Kind, Outcome, Rows

FIRST_ACTOR: Final = "SELECT actor FROM eventstore_event WHERE position = 1"
"""Reads the actor of the first event, from a file to which Django is not connected."""

_HEAD: Final = "SELECT max(position) FROM eventstore_event"
_STREAM_VERSION: Final = "SELECT max(version) FROM eventstore_event WHERE stream_id = %s"
INSERT: Final = (
    "INSERT INTO eventstore_event (position, stream_id, version, type, schema_version, payload, actor, correlation_id,"
    " causation, metadata, recorded_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_SELECT_KEY: Final = (
    "SELECT fingerprint, first_position, last_position FROM eventstore_recordedkey WHERE scope = %s AND key = %s"
)
_INSERT_KEY: Final = (
    "INSERT INTO eventstore_recordedkey (scope, key, fingerprint, first_position, last_position, recorded_at)"
    " VALUES (%s, %s, %s, %s, %s, %s)"
)


def append(connection: BaseDatabaseWrapper, rows: Rows, _meanwhile: Iterator[object]) -> Outcome:
    """Append in the open transaction, or in a transaction of its own; after a refusal the transaction is usable."""
    with transaction.atomic(using=connection.alias, savepoint=False), connection.cursor() as cursor:
        return _append(cursor, rows)


def lock(connection: BaseDatabaseWrapper) -> None:
    """Nothing to do: the transaction has held the write lock since it began."""


def barrier(connection: BaseDatabaseWrapper) -> None:
    """Nothing to do: with synchronous=FULL a commit is flushed before any other connection can read it."""


def _append(cursor: Any, rows: Rows) -> Outcome:
    known = _known_key(cursor, rows)
    if known is not None:
        return known
    bases: list[int] = []
    for stream_id, expected in zip(rows.stream_ids, rows.expected, strict=True):
        actual = _scalar(cursor, _STREAM_VERSION, [stream_id])
        if 0 <= expected != actual:
            return Outcome(Kind.CONFLICT, conflict=len(bases) + 1, actual_version=actual)
        bases.append(actual)
    head = _scalar(cursor, _HEAD, [])
    now = utc_now()
    moment = now.replace(tzinfo=None).isoformat(" ", "microseconds")
    cursor.executemany(INSERT, _values(rows, bases, head, moment))
    first, last = head + 1, head + len(rows.event_streams)
    if rows.key is not None:
        cursor.execute(_INSERT_KEY, [rows.key.scope, rows.key.key, rows.key.fingerprint, first, last, moment])
    return Outcome(Kind.APPENDED, first, last, now, bases=bases)


def _values(rows: Rows, bases: Sequence[int], head: int, moment: str) -> Iterator[tuple[Any, ...]]:
    streams = enumerate(rows.event_streams)
    for (offset, stream_id), (context, metadata) in zip(streams, rows.origin_of_each, strict=False):
        yield (
            head + 1 + offset,
            stream_id,
            bases[rows.stream_indexes[offset] - 1] + rows.places[offset],
            rows.types[offset],
            rows.schema_versions[offset],
            rows.payloads[offset],
            context.actor,
            context.correlation_id,
            context.causation,
            metadata,
            moment,
        )


def _known_key(cursor: Any, rows: Rows) -> Outcome | None:
    if rows.key is None:
        return None
    cursor.execute(_SELECT_KEY, [rows.key.scope, rows.key.key])
    found = cursor.fetchone()
    if found is None:
        return None
    return Outcome(Kind.REPEATED if found[0] == rows.key.fingerprint else Kind.REUSED, found[1], found[2])


def _scalar(cursor: Any, sql: str, params: Sequence[Any]) -> int:
    cursor.execute(sql, params)
    return int(cursor.fetchone()[0] or 0)
