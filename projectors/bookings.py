"""Gives each event of a batch its booking date and its business date."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from eventstore.records import RecordedEvent
from eventstore.store import last_of_type
from projectors.payloads import payload_of

CYCLED = "SystemCycled"


class Booking(NamedTuple):
    """An event with its payload; dates in ISO form, none before the first cycle."""

    event: RecordedEvent
    payload: dict[str, Any]
    booking_date: str | None
    business_date: str | None


def bookings(events: Sequence[RecordedEvent]) -> Iterator[Booking]:
    """Yield each event with its dates; `events` hold every SystemCycled between the first and the last of them."""
    before = last_of_type(CYCLED, up_to=events[0].position - 1)
    return dated(events, payload_of(before)["new_date"] if before else None)


def dated(events: Sequence[RecordedEvent], cycled: str | None) -> Iterator[Booking]:
    """Yield each event with its dates, where `cycled` is the last date cycled before the first of them."""
    for event in events:
        payload = payload_of(event)
        if event.type == CYCLED:
            yield Booking(event, payload, cycled, payload["new_date"])
            cycled = payload["new_date"]
        else:
            yield Booking(event, payload, cycled, payload.get("business_date", cycled))
