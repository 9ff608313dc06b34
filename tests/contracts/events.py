"""A small domain for tests of the event store: parcels that are registered, relabelled and weighed, and days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

from eventstore import store
from eventstore.payloads.registry import registry
from eventstore.records import Appended, Context, NewEvent

CONTEXT = Context("tester", "a conversation")
CALENDAR = "calendar"
"""The id of the stream of days."""


@dataclass(frozen=True, slots=True)
class ParcelRegistered:
    name: str


@dataclass(frozen=True, slots=True)
class ParcelRelabelled:
    name: str


@dataclass(frozen=True, slots=True)
class ParcelWeighed:
    weight: Decimal
    unit: str
    scales: str


@dataclass(frozen=True, slots=True)
class DayBegan:
    day: date


for _parcel_event in (ParcelRegistered, ParcelRelabelled, ParcelWeighed):
    registry.register(_parcel_event, categories=("parcel",))
registry.register(DayBegan, categories=(CALENDAR,))


def parcel() -> str:
    """Return a new stream id."""
    return f"parcel-{uuid4()}"


def registered(stream_id: str, name: str = "Books") -> NewEvent:
    """Return an event to append."""
    return NewEvent(stream_id, ParcelRegistered(name))


def weighed(stream_id: str, weight: str = "1.00") -> NewEvent:
    """Return another event to append."""
    return NewEvent(stream_id, ParcelWeighed(Decimal(weight), "kg", "the small scales"))


def append(*events: NewEvent, **how: Any) -> Appended:
    """Append in the tests' context."""
    return store.append(events, CONTEXT, **how)


def positions(events: Sequence[Any]) -> list[int]:
    """Return the positions of some events."""
    return [event.position for event in events]
