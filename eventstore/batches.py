"""Appends of many commands at once; each may have an idempotency key of its own."""

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from django.db import InterfaceError, OperationalError, connections, transaction

from eventstore import store
from eventstore.clock import utc_now
from eventstore.log.recovery import find_after_commit
from eventstore.models import RecordedKey
from eventstore.records import Context, IdempotencyKey, NewEvent, RecordedEvent

_RECORD_KEYS: Final = "SELECT eventstore_record_keys(%s, %s, %s, %s, %s)"
_KEYS_AT_ONCE: Final = 400
_READ_AT_ONCE: Final = 1000

Recorded = dict[tuple[str, str], RecordedKey]
"""Rows of keys that were recorded, by scope and key."""


@dataclass(frozen=True, slots=True)
class Part:
    """Events that belong together, of which there is one at least, and their key if they have one."""

    events: Sequence[NewEvent]
    key: IdempotencyKey | None


def append_parts(
    parts: Sequence[Part], context: Context, *, expected: Mapping[str, int], using: str = "default"
) -> list[tuple[RecordedEvent, ...]]:
    """Record the events of all parts in one append, with their keys, and return those of each part as recorded.

    Raises what `store.append` raises, and IntegrityError if one of the keys was recorded meanwhile; then nothing is.
    """
    found: list[tuple[RecordedEvent, ...]] = []
    is_ready = False
    try:
        with transaction.atomic(using=using):
            events = [event for part in parts for event in part.events]
            recorded = iter(store.append(events, context, expected=expected, using=using).events)
            found = [tuple(islice(recorded, len(part.events))) for part in parts]
            keyed = [(part.key, own) for part, own in zip(parts, found, strict=True) if part.key is not None]
            if keyed:
                _record_keys([key for key, _ in keyed], [own for _, own in keyed], using)
            is_ready = True
    except (OperationalError, InterfaceError) as error:
        if not is_ready:
            raise  # Nothing was committed.
        find_after_commit(found[-1][-1], error, using)
    return found


def recorded_keys(keys: Iterable[IdempotencyKey], using: str = "default") -> Recorded:
    """Return those of the keys that were recorded, whatever for."""
    by_scope: dict[str, list[str]] = {}
    for key in keys:
        by_scope.setdefault(key.scope, []).append(key.key)
    rows = RecordedKey.objects.using(using)
    return {
        (row.scope, row.key): row
        for scope, texts in by_scope.items()
        for first in range(0, len(texts), _KEYS_AT_ONCE)
        for row in rows.filter(scope=scope, key__in=texts[first : first + _KEYS_AT_ONCE])
    }


def events_of(rows: Iterable[RecordedKey], using: str = "default") -> dict[int, tuple[RecordedEvent, ...]]:
    """Return the durable events of recorded keys, by the first position of each."""
    ordered = sorted(rows, key=lambda row: row.first_position)
    if ordered:
        store.barrier(using)
    found: dict[int, tuple[RecordedEvent, ...]] = {}
    page: list[RecordedEvent] = []
    for index, row in enumerate(ordered):
        if not page or page[-1].position < row.last_position:
            # A page ends with a key that begins near, so that keys which lie far apart do not read what lies between.
            near = bisect(ordered, row.first_position + _READ_AT_ONCE, index, key=lambda each: each.first_position)
            length = ordered[near - 1].last_position - row.first_position + 1
            page = store.read_batch(from_position=row.first_position, limit=length, using=using)
        start = row.first_position - page[0].position
        found[row.first_position] = tuple(page[start : start + row.last_position - row.first_position + 1])
    return found


def _record_keys(keys: Sequence[IdempotencyKey], found: Sequence[tuple[RecordedEvent, ...]], using: str) -> None:
    firsts = [events[0].position for events in found]
    lasts = [events[-1].position for events in found]
    if connections[using].vendor == "postgresql":
        columns = [[getattr(key, name) for key in keys] for name in ("scope", "key", "fingerprint")]
        with connections[using].cursor() as cursor:
            cursor.execute(_RECORD_KEYS, [*columns, firsts, lasts])
        return
    now = utc_now()
    RecordedKey.objects.using(using).bulk_create(
        RecordedKey(
            scope=key.scope,
            key=key.key,
            fingerprint=key.fingerprint,
            first_position=first,
            last_position=last,
            recorded_at=now,
        )
        for key, first, last in zip(keys, firsts, lasts, strict=True)
    )
