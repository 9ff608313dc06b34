"""The one door to the log: append, and every read.

# Note [Positions become visible in order]
Positions are assigned under one lock, in commit order and without gaps. A reader that has seen position n therefore
never meets a new event below n later; a missing position means that the log is damaged; and a consumer that has
handled position n has handled everything before it. All other guarantees depend on this one.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from eventstore.clock import utc_now
from eventstore.errors import (
    IdempotencyKeyReused,
    InvalidStreamId,
    NotDurable,
    WrongCategory,
    WrongExpectedVersion,
)
from eventstore.libpq.pipeline import NOTHING
from eventstore.log import admission, append_postgresql, append_sqlite, metrics, recovery
from eventstore.log.append_call import Kind, Origin, Outcome, Rows
from eventstore.log.durability import durable_head, ensure_durable, note_durable
from eventstore.log.reads import (
    head,
    last_of_type,
    latest,
    read_all,
    read_batch,
    read_event,
    read_stream,
    versions,
)
from eventstore.log.searches import search
from eventstore.models import RecordedKey
from eventstore.payloads.registry import registry
from eventstore.records import ANY, Appended, Context, IdempotencyKey, NewEvent, RecordedEvent, is_stream_id
from eventstore.runtime.subscription import Subscription

__all__ = [
    "append",
    "append_lock",
    "append_lock_holder",
    "append_prepared",
    "barrier",
    "durable_head",
    "ensure_durable",
    "head",
    "last_of_type",
    "latest",
    "prepare",
    "read_all",
    "read_batch",
    "read_event",
    "read_stream",
    "recorded_under",
    "search",
    "subscribe",
    "versions",
]

_GREATEST_VERSION = 2**63 - 1
_BACKENDS = {"postgresql": append_postgresql, "sqlite": append_sqlite}


def append(
    events: Sequence[NewEvent],
    context: Context,
    *,
    expected: Mapping[str, int] | None = None,
    key: IdempotencyKey | None = None,
    using: str = "default",
) -> Appended:
    """Record events, all or none, and return them as recorded. An event's own context replaces `context`.

    `expected` gives the version that each stream must have: an exact one, NO_STREAM, or ANY. A stream that is written
    and not named may have any version; a stream that is named and not written is only checked. If `key` has recorded
    the same before, nothing is recorded, and the events of that time are returned as `repeated`.

    Outside a transaction the events are durable when this returns. Inside `atomic()` they are committed or rolled back
    with it; append last, because the append lock is held until the transaction ends.

    Raises WrongExpectedVersion and IdempotencyKeyReused (nothing is recorded, and a transaction stays usable),
    InvalidStreamId, WrongCategory, InvalidPayload and UnknownEventType (before the first statement), IsolationTooHigh,
    and OutcomeUnknown if the connection was lost after the append was sent, or if its commit's wait for the synchronous
    standby was cancelled. Outside a transaction, any other error of the database means that nothing was recorded; the
    append has verified it.
    """
    return append_prepared(prepare(events, context, expected=expected, key=key), using=using)


def prepare(
    events: Sequence[NewEvent],
    context: Context,
    *,
    expected: Mapping[str, int] | None = None,
    key: IdempotencyKey | None = None,
) -> Rows:
    """Return what `append_prepared` records, without the database; arguments and errors are those of `append`."""
    if not events:
        raise ValueError("an append has at least one event")
    return _rows(events, context, os.urandom(16).hex(), expected or {}, key)


def append_prepared(rows: Rows, *, using: str = "default", meanwhile: Iterator[object] = NOTHING) -> Appended:
    """Record what was prepared, once, as `append` does.

    `meanwhile` is work that uses no database and raises nothing; PostgreSQL's answer is awaited while it advances.
    """
    connection = connections[using]
    connection.ensure_connection()
    backend = _BACKENDS[connection.vendor]
    began = utc_now()
    try:
        outcome = backend.append(connection, rows, meanwhile)
    except (DatabaseError, InterfaceError, NotDurable) as error:
        found = (
            None if _is_in_transaction(connection) else recovery.find(rows.append_id, rows, began, connection, error)
        )
        if found is None:
            raise
        return Appended(found)
    return _appended(outcome, rows, connection)


def _is_in_transaction(connection: BaseDatabaseWrapper) -> bool:
    return connection.in_atomic_block or not connection.autocommit


def _appended(outcome: Outcome, rows: Rows, connection: BaseDatabaseWrapper) -> Appended:
    using = connection.alias
    if outcome.kind is Kind.APPENDED:
        metrics.count_append(len(rows.event_streams))
        if not _is_in_transaction(connection):
            # Its commit, or the barrier after it, waited for everything before it as well.
            note_durable(outcome.last_position, using)
        return Appended(rows.recorded(outcome))
    if outcome.kind is Kind.REPEATED:
        metrics.REPEATS.inc()
        return Appended(_between(outcome.first_position, outcome.last_position, using), repeated=True)
    if outcome.kind is Kind.REUSED and rows.key is not None:
        raise IdempotencyKeyReused(rows.key.key)
    metrics.CONFLICTS.inc()
    index = outcome.conflict - 1
    raise WrongExpectedVersion(rows.stream_ids[index], rows.expected[index], outcome.actual_version)


def _between(first: int, last: int, using: str) -> tuple[RecordedEvent, ...]:
    return tuple(read_batch(from_position=first, up_to=last, limit=last - first + 1, using=using))


def _rows(
    events: Sequence[NewEvent],
    context: Context,
    append_id: str,
    expected: Mapping[str, int],
    key: IdempotencyKey | None,
) -> Rows:
    versions = {event.stream_id: ANY for event in events}
    if expected:
        versions.update(expected)
    for stream_id, version in versions.items():
        if not is_stream_id(stream_id):
            raise InvalidStreamId(stream_id)
        if not ANY <= version <= _GREATEST_VERSION:
            raise ValueError(f"expected version {version} of {stream_id} is not ANY, NO_STREAM or a version")
    stream_ids, streams = list(versions), [event.stream_id for event in events]
    types, schema_versions, payloads = _encoded(events)
    admission.check_key(types[0], key)
    return Rows(
        stream_ids,
        list(versions.values()),
        streams,
        *_places(streams, stream_ids),
        types,
        schema_versions,
        payloads,
        _origins(events, context, types, append_id),
        key,
    )


def _origins(events: Sequence[NewEvent], context: Context, types: Sequence[str], append_id: str) -> list[Origin]:
    """Return the origin of each event, or a single one if all have the same context; raises InvalidPayload."""
    if len(events) == 1:
        return [_origin(events[0].context or context, types[0], append_id)]
    contexts = [context if event.context is None else event.context for event in events]
    checked: dict[int, Origin] = {}
    for own, type_name in zip(contexts, types, strict=True):
        if id(own) not in checked:
            checked[id(own)] = _origin(own, type_name, append_id)
    return [checked[id(own)] for own in contexts] if len(checked) > 1 else [*checked.values()]


def _origin(context: Context, type_name: str, append_id: str) -> Origin:
    admission.check_context(type_name, context)
    if not context.metadata:
        return Origin(context, f'{{"append_id": "{append_id}"}}')
    return Origin(context, admission.metadata_json(type_name, {**context.metadata, "append_id": append_id}))


def _encoded(events: Sequence[NewEvent]) -> tuple[list[str], list[int], list[str]]:
    """Return the type, the schema version and the payload of each event; raises what `append` raises."""
    types, schema_versions, payloads = [], [], []
    size = 0
    for event in events:
        event_type = registry.of(event.data)
        if event.stream_id.partition("-")[0] not in event_type.categories:
            raise WrongCategory(event_type.name, event.stream_id, event_type.categories)
        name, payload = event_type.name, event_type.encode(event.data)
        admission.check_json(name, "the payload", payload)
        size = admission.check_size(name, payload, size)
        types.append(name)
        schema_versions.append(event_type.schema_version)
        payloads.append(payload)
    return types, schema_versions, payloads


def _places(streams: Sequence[str], distinct: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return, for each event, the number of its stream among the distinct ones and its own number within it."""
    if len(streams) == 1:
        return [1], [1]
    indexes = {stream_id: index for index, stream_id in enumerate(distinct, start=1)}
    written = dict.fromkeys(distinct, 0)
    places = []
    for stream_id in streams:
        written[stream_id] += 1
        places.append(written[stream_id])
    return [indexes[stream_id] for stream_id in streams], places


@contextmanager
def append_lock(using: str = "default") -> Iterator[None]:
    """Hold the append lock for a transaction: what it reads cannot change before its own append.

    Use it for the last attempt at a command that lost to concurrent appends. All other appends wait, so be brief: on
    PostgreSQL the transaction is ended if it is idle for longer than APPEND_LOCK_IDLE_TIMEOUT.
    """
    connection = connections[using]
    with transaction.atomic(using=using):
        _BACKENDS[connection.vendor].lock(connection)
        yield


def append_lock_holder(longer_than_s: float, using: str = "default") -> str:
    """Return which server process has held the append lock for longer than that, and for how long; "" if none has.

    SQLite does not say who holds its lock.
    """
    connection = connections[using]
    return append_postgresql.holder_of_lock(connection, longer_than_s) if connection.vendor == "postgresql" else ""


def barrier(using: str = "default") -> None:
    """Return when every event that was visible before is durable; run it before reporting something as recorded.

    Raises NotDurable if the wait for the synchronous standby is cancelled; inside `atomic()` its commit raises it.
    """
    connection = connections[using]
    connection.ensure_connection()
    _BACKENDS[connection.vendor].barrier(connection)


def subscribe(after: int = 0, types: Sequence[str] | None = None) -> Subscription:
    """Return an iterator over the events above a position, of these types, that waits for those to come.

    It never ends by itself: close it, or use it as a context manager. Any thread may close it, and several may share
    it. No types find nothing, so that it ends at once; None stands for all types. A thread that iterates holds its
    connection to the database.
    """
    return Subscription(after, types)


def recorded_under(key: IdempotencyKey, using: str = "default") -> Appended | None:
    """Return what was recorded under an idempotency key, once it is durable, or None; raises IdempotencyKeyReused."""
    known = RecordedKey.objects.using(using).filter(scope=key.scope, key=key.key).first()
    if known is None:
        return None
    if known.fingerprint != key.fingerprint:
        raise IdempotencyKeyReused(key.key)
    barrier(using)
    return Appended(_between(known.first_position, known.last_position, using), repeated=True)
