"""A stream as a time line: each event, the state after it, and the fields that it changed."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice, takewhile
from typing import Any, Final

from eventstore import store
from eventstore.errors import EventStoreError
from eventstore.records import RecordedEvent
from ledger import states
from ledger.rules.decide import STATES
from projectors.explain.dates import counts_for_earlier, dated
from projectors.explain.event import words_of
from projectors.explain.figures import Cut
from projectors.explain.moment import booked_through
from projectors.explain.words import Words

_WITH_FEES: Final = "product"
_HIDDEN: Final = frozenset({"exists", "reversed", "companies"})
"""Fields of a state that are not shown: whether it exists is clear, and the others are lists."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a state after an event, and whether the event changed it."""

    name: str
    value: Any
    changed: bool


@dataclass(frozen=True, slots=True)
class StreamRow:
    """An event of a stream and the state after it."""

    event: RecordedEvent
    words: Words
    booked: date | None
    counts_for: date | None
    fields: tuple[Field, ...]


def stream_events(
    stream_id: str, cut: Cut, *, after_version: int = 0, limit: int | None = None, using: str = "default"
) -> Iterator[RecordedEvent]:
    """Yield the events of a stream that count at a cut, oldest first, of those above a version; at most so many.

    Of what was recorded after the cut's last date, only late fees that count for it or for an earlier one do.
    """
    return islice(_counting(stream_id, cut, after_version, limit, using), limit)


def _counting(stream_id: str, cut: Cut, version: int, limit: int | None, using: str) -> Iterator[RecordedEvent]:
    through, until = booked_through(cut), cut.until
    for event in store.read_stream(stream_id, after_version=version, up_to=through, limit=limit, using=using):
        yield event
        version = event.version
    if until is not None and stream_id.startswith(f"{_WITH_FEES}-"):
        for event in store.read_stream(stream_id, after_version=version, up_to=cut.position, using=using):
            if event.position > through and counts_for_earlier(event, until):
                yield event


def stream_rows(
    stream_id: str, cut: Cut, *, after_version: int = 0, limit: int = 200, using: str = "default"
) -> Iterator[StreamRow]:
    """Yield the events of a stream that count at a cut with the state after each, oldest first, above a version."""
    category = stream_id.partition("-")[0]
    state = _state_of(category, stream_id, cut, after_version, using)
    events = list(stream_events(stream_id, cut, after_version=after_version, limit=limit, using=using))
    for event, booked, counts_for in dated(events, using):
        before, state = state, _after(category, state, event)
        fields = () if state is None else tuple(_fields(before, state))
        yield StreamRow(event, words_of(event), booked, counts_for, fields)


def _state_of(category: str, stream_id: str, cut: Cut, version: int, using: str) -> Any:
    """Return the state of a stream at a version, without folding a long stream from its beginning; None if none is.

    Events that do not count at the cut are left out.
    """
    if category not in STATES:
        return None
    last = _event_at(stream_id, version, using) if version else None
    if last is None:
        return STATES[category][0]
    through = booked_through(cut)
    try:
        state = states.state(category, last.uuid, min(last.position, through), using).state
    except EventStoreError:
        return None
    if last.position > through:
        ended = next(store.read_stream(stream_id, up_to=through, backwards=True, limit=1, using=using), None)
        later = stream_events(stream_id, cut, after_version=0 if ended is None else ended.version, using=using)
        for event in takewhile(lambda one: one.version <= version, later):
            state = _after(category, state, event)
    return state


def _event_at(stream_id: str, version: int, using: str) -> RecordedEvent | None:
    return next(store.read_stream(stream_id, after_version=version - 1, limit=1, using=using), None)


def _after(category: str, state: Any, event: RecordedEvent) -> Any:
    """Return the state after an event; None if there is none, as after an event that this code cannot read."""
    try:
        return None if state is None else STATES[category][1](state, event.data)
    except EventStoreError:
        return None


def _fields(before: Any, after: Any) -> Iterator[Field]:
    for field in dataclasses.fields(after):
        value = getattr(after, field.name)
        if field.name not in _HIDDEN:
            changed = value != getattr(before, field.name)
            if changed or value not in (None, "", ()):
                yield Field(field.name, value, changed)
