"""Gives each event of a batch its booking date and its business date."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from eventstore.records import RecordedEvent
from eventstore.store import last_of_type
from projectors.events.payloads import payload_of

CYCLED = "SystemCycled"


class DatedEvent(NamedTuple):
    """An event with its payload and its dates in ISO form; before the first cycle it has none."""

    event: RecordedEvent
    payload: dict[str, Any]
    booking_date: str | None
    business_date: str | None


def dated(events: Sequence[RecordedEvent]) -> Iterator[DatedEvent]:
    """Yield each event with its dates; `events` include every SystemCycled between the first and the last of them."""
    before = last_of_type(CYCLED, up_to=events[0].position - 1)
    return dated_since(payload_of(before)["new_date"] if before else None, events)


def dated_since(cycled: str | None, events: Sequence[RecordedEvent]) -> Iterator[DatedEvent]:
    """Yield each event with its dates; `cycled` is the last date cycled before the first of them."""
    for event in events:
        payload = payload_of(event)
        if event.type == CYCLED:
            yield DatedEvent(event, payload, cycled, payload["new_date"])
            cycled = payload["new_date"]
        else:
            yield DatedEvent(event, payload, cycled, payload.get("business_date", cycled))
