"""Keeps the part of each date's activity that was recorded after the date had ended.

Only an event that names its own business date can count for a date that is over. What is left of a date's activity
without this part is what was known when the date ended.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import ClassVar, Final

from django.db.models import Model

from eventstore.consumers.definitions import SetProjector
from eventstore.records import RecordedEvent
from ledger.rules.events import CATEGORIES
from projectors.daily_activity import Tally, add_to
from projectors.events.dates import CYCLED, DatedEvent, dated
from projectors.models import LateActivity
from projectors.sets.activity import late_of_range

_WITH_DATES: Final = sorted(
    {
        cls.__name__
        for group in CATEGORIES.values()
        for cls in group
        if any(field.name == "business_date" for field in fields(cls))
    }
)
LateDay = tuple[str, str, str]
"""A business date, a currency and a booking date."""


class LateActivities(SetProjector):
    """Projects one row for each business date, currency and later booking date."""

    name: ClassVar[str] = "late_activity"
    types: ClassVar[tuple[str, ...]] = (*_WITH_DATES, CYCLED)
    tables: ClassVar[tuple[type[Model], ...]] = (LateActivity,)

    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Add the late events to the rows of their dates."""
        self._add(late_tallies(dated(events)), generation, using)

    def project_range(self, after: int, up_to: int, generation: int, using: str) -> None:
        """Do the same with the events that one statement finds: in most ranges there are none."""
        self._add(late_tallies(late_of_range(self.types, after, up_to, using)), generation, using)

    @staticmethod
    def _add(tallies: Mapping[LateDay, Tally], generation: int, using: str) -> None:
        of_dates = LateActivity.objects.using(using).filter(
            generation=generation, business_date__in={day for day, _, _ in tallies}
        )
        rows = {(row.business_date.isoformat(), row.currency, row.booking_date.isoformat()): row for row in of_dates}
        for (business_date, currency, booking_date), counted in tallies.items():
            row = rows.get((business_date, currency, booking_date))
            if row is None:
                row = LateActivity(
                    generation=generation,
                    business_date=date.fromisoformat(business_date),
                    booking_date=date.fromisoformat(booking_date),
                    currency=currency,
                    events={},
                )
            add_to(row, counted)
            row.save(using=using)


def late_tallies(events: Iterable[DatedEvent]) -> dict[LateDay, Tally]:
    """Return the counts and sums of the events that were booked after their business date."""
    tallies: dict[LateDay, Tally] = {}
    for event, payload, booking_date, business_date in events:
        if business_date is not None and booking_date is not None and business_date < booking_date:
            day = (business_date, payload.get("currency", ""), booking_date)
            tallies.setdefault(day, Tally()).count(event, payload)
    return tallies
