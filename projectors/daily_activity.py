"""Keeps what happened on each business date in each currency.

An event counts on its business date; a reversal on its own, not on the date of what it reverses. An event without a
currency counts under the empty currency, without amounts. Before the first cycle there is no date. What a write-off
gives up does not count as waived.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar

from django.db.models import Model, Q

from eventstore.consumers.definitions import SetProjector
from eventstore.records import RecordedEvent
from ledger.rules.events import CATEGORIES
from projectors.events.dates import DatedEvent, dated
from projectors.events.payloads import digits, minor
from projectors.models import DailyActivity, LateActivity
from projectors.sets.activity import Activity, activity_of_range, statement

Day = tuple[str | None, str]
"""A business date in ISO form and a currency."""


# For each event type: the column that its amount changes, the sign, and the name of the amount in the payload.
_MOVES: dict[str, tuple[str, int, str]] = {
    "LateFeeIncurred": ("fees_assessed", 1, "amount"),
    "LateFeeWaived": ("fees_waived", 1, "amount"),
    "BalancesGranted": ("granted", 1, "total"),
    "CompanyFunded": ("paid_in", 1, "amount"),
    "AssetFunded": ("paid_in", 1, "amount"),
    "PaymentApplied": ("paid_in", 1, "amount"),
    "FundingReversed": ("paid_in", -1, "amount"),
    "PaymentReversed": ("paid_in", -1, "amount"),
    "FundsPaidOut": ("paid_out", 1, "amount"),
    "PayoutReturned": ("paid_out", -1, "amount"),
    "PayoutReturnedToCompany": ("paid_out", -1, "amount"),
    "LateFeeReversed": ("fees_assessed", -1, "amount"),
    "WaiverReversed": ("fees_waived", -1, "amount"),
    "RecoveryRecorded": ("paid_in", 1, "amount"),
    "RecoveryReversed": ("paid_in", -1, "amount"),
}
_AMOUNT_OF = {type_: field for type_, (_, _, field) in _MOVES.items()}
_AMOUNTS = ("amount", "total", "value", "principal")
SUMS = ("fees_assessed", "fees_waived", "granted", "paid_in", "paid_out")


class Tally:
    """The counts and sums of the events of one day."""

    __slots__ = ("events", "minor_digits", "position", "sums")

    def __init__(self) -> None:
        self.events: dict[str, int] = {}
        self.sums = dict.fromkeys(SUMS, 0)
        self.minor_digits = 0
        self.position = 0

    def count(self, event: RecordedEvent, payload: dict[str, Any]) -> None:
        """Count an event."""
        self.position = event.position
        self.events[event.type] = self.events.get(event.type, 0) + 1
        if "currency" in payload and not self.minor_digits:
            self.minor_digits = max(digits(payload[name]) for name in _AMOUNTS if name in payload)
        move = _MOVES.get(event.type)
        if move is not None:
            column, sign, name = move
            self.sums[column] += sign * minor(payload[name])

    def count_many(self, activity: Activity) -> None:
        """Count the events of one type, which were added up; of several types the first amount is counted first."""
        self.position = max(self.position, activity.position)
        self.events[activity.type] = activity.number
        self.minor_digits = self.minor_digits or activity.digits
        move = _MOVES.get(activity.type)
        if move is not None:
            column, sign, field = move
            if activity.amount is None:
                raise KeyError(field)
            self.sums[column] += sign * activity.amount


class DailyActivities(SetProjector):
    """Projects one row for each business date and currency."""

    name: ClassVar[str] = "daily_activity"
    types: ClassVar[tuple[str, ...]] = tuple(sorted({cls.__name__ for group in CATEGORIES.values() for cls in group}))
    tables: ClassVar[tuple[type[Model], ...]] = (DailyActivity,)

    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Add the events to the rows of their days."""
        self._add(tally(dated(events)), generation, using)

    def project_range(self, after: int, up_to: int, generation: int, using: str) -> None:
        """Add what one statement counts and sums up."""
        found = activity_of_range(_statement(), self.types, after, up_to, using)
        self._add(_tallies(found), generation, using)

    @staticmethod
    def _add(tallies: Mapping[Day, Tally], generation: int, using: str) -> None:
        rows = {_day(row): row for row in _rows(tallies, generation, using)}
        for day, counted in tallies.items():
            row = rows.get(day)
            if row is None:
                on = date.fromisoformat(day[0]) if day[0] else None
                row = DailyActivity(generation=generation, business_date=on, currency=day[1], events={})
            add_to(row, counted)
            row.save(using=using)


def tally(events: Iterable[DatedEvent]) -> dict[Day, Tally]:
    """Return the counts and sums of the events, by day."""
    tallies: dict[Day, Tally] = {}
    for event, payload, _, business_date in events:
        day = (business_date, payload.get("currency", ""))
        counted = tallies.get(day)
        if counted is None:
            counted = tallies[day] = Tally()
        counted.count(event, payload)
    return tallies


@cache
def _statement() -> str:
    return statement(_AMOUNT_OF, _AMOUNTS)


def _tallies(activities: Iterable[Activity]) -> dict[Day, Tally]:
    """Return the counts and sums of what was added up by type, by day."""
    tallies: dict[Day, Tally] = defaultdict(Tally)
    for each in sorted(activities, key=attrgetter("first")):
        tallies[each.business_date, each.currency].count_many(each)
    return tallies


def _day(row: DailyActivity) -> Day:
    return (row.business_date.isoformat() if row.business_date else None, row.currency)


def _rows(days: Iterable[Day], generation: int, using: str) -> Iterable[DailyActivity]:
    dates = {day for day, _ in days}
    wanted = Q(business_date__in=[day for day in dates if day])
    if None in dates:
        wanted |= Q(business_date__isnull=True)
    return DailyActivity.objects.using(using).filter(wanted, generation=generation)


def add_to(row: DailyActivity | LateActivity, counted: Tally) -> None:
    """Add counts and sums to a row."""
    row.position = counted.position
    row.minor_digits = row.minor_digits or counted.minor_digits
    for type_, number in counted.events.items():
        row.events[type_] = row.events.get(type_, 0) + number
    for column, amount in counted.sums.items():
        setattr(row, column, getattr(row, column) + amount)
