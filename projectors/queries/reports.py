"""Queries of what is reported: the journal, the aging as known then, and the daily activity."""

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from ledger import as_of
from projectors.daily_activity import SUMS
from projectors.models import AgingBucket, DailyActivity, JournalLine, LateActivity
from projectors.queries.live import live, without_index

BUCKETS: Final[tuple[str, ...]] = tuple(AgingBucket.Bucket.values)
"""The ranges of days past due, from none to over ninety."""


def journal(
    *,
    account: str | None = None,
    party_uuid: UUID | None = None,
    booked_from: date | None = None,
    booked_to: date | None = None,
) -> QuerySet[JournalLine]:
    """Return the journal's lines that match every filter given; booking dates include both ends."""
    rows = live(JournalLine)
    if party_uuid is not None:
        rows = rows.filter(party_uuid=party_uuid)
    if account is not None:
        leads = party_uuid is None
        rows = rows.filter(account=account) if leads else without_index(rows, "account", account)
    # Positions rise with booking dates, and are indexed.
    if booked_from is not None:
        first = as_of.booked_from(booked_from)
        rows = rows.none() if first is None else rows.filter(position__gt=first)
    if booked_to is not None:
        last = as_of.booked_to(booked_to)
        rows = rows.filter(booking_date__isnull=False)
        rows = rows if last is None else rows.filter(position__lte=last)
    return rows


def daily_activity(first: date | None = None, last: date | None = None) -> QuerySet[DailyActivity]:
    """Return the activity of each business date, from the first to the last given; none precedes the first cycle."""
    rows = live(DailyActivity).filter(business_date__isnull=False)
    if first is not None:
        rows = rows.filter(business_date__gte=first)
    if last is not None:
        rows = rows.filter(business_date__lte=last)
    return rows


def known_then(rows: Sequence[DailyActivity]) -> list[DailyActivity]:
    """Return the activity of dates without what was recorded after they had ended; the rows are changed."""
    of_days = {(row.business_date, row.currency): row for row in rows}
    late = live(LateActivity).filter(business_date__in={row.business_date for row in rows})
    for part in late:
        row = of_days.get((part.business_date, part.currency))
        if row is not None:
            _take(row, part)
    return [row for row in rows if row.events]


def _take(row: DailyActivity, late: LateActivity) -> None:
    left = {name: number - late.events.get(name, 0) for name, number in row.events.items()}
    row.events = {name: number for name, number in left.items() if number > 0}
    for column in SUMS:
        setattr(row, column, getattr(row, column) - getattr(late, column))


def aging(business_date: date | None = None) -> QuerySet[AgingBucket]:
    """Return what was owed as each business date, or the one given, began."""
    rows = live(AgingBucket)
    return rows if business_date is None else rows.filter(business_date=business_date)


def aging_in_order(business_date: date) -> list[AgingBucket]:
    """Return what was owed as a business date began, by currency and by days past due."""
    return sorted(aging(business_date), key=lambda row: (row.currency, BUCKETS.index(row.bucket)))
