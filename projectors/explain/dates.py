"""The dates of events: when each was booked, and which date it counts for."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from eventstore import store
from eventstore.errors import EventStoreError
from eventstore.records import RecordedEvent
from projectors.events.dates import CYCLED


class Dated(NamedTuple):
    """An event with its booking date and its business date, None before the first cycle."""

    event: RecordedEvent
    booked: date | None
    counts_for: date | None


def dated(events: Sequence[RecordedEvent], using: str = "default") -> Iterator[Dated]:
    """Yield events with their dates, by two queries for any number of events; `events` are in order of position."""
    if not events:
        return
    before = store.last_of_type(CYCLED, events[0].position - 1, using)
    booked: date | None = None if before is None else before.data.new_date
    cycles = store.read_all(after=events[0].position - 1, up_to=events[-1].position, types=(CYCLED,), using=using)
    cycle = next(cycles, None)
    for event in events:
        while cycle is not None and cycle.position < event.position:
            booked, cycle = cycle.data.new_date, next(cycles, None)
        yield Dated(event, booked, _own_date(event, booked))


def _own_date(event: RecordedEvent, booked: date | None) -> date | None:
    """Return the date that an event counts for; an event that this code cannot read counts for its booking date."""
    try:
        data = event.data
    except EventStoreError:
        return booked
    own: date | None = data.new_date if event.type == CYCLED else getattr(data, "business_date", booked)
    return own


def counts_for_earlier(event: RecordedEvent, until: date) -> bool:
    """Say whether an event that was recorded after a date had ended counts for that date or for an earlier one."""
    on = _own_date(event, None)
    return on is not None and on <= until


def counts(one: Dated, until: date | None) -> bool:
    """Say whether an event counts up to a date; an event booked before the first cycle always counts."""
    return until is None or one.counts_for is None or one.counts_for <= until
