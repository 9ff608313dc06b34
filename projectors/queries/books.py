"""Sums of the journal, and what is owed by age."""

from datetime import date
from typing import Final, NamedTuple

from django.db.models import Sum

from projectors.models import AgingBucket, JournalLine
from projectors.queries.live import live

BUCKETS: Final[tuple[str, ...]] = tuple(AgingBucket.Bucket.values)
"""Of days past due, from none to over ninety."""


class TrialBalanceLine(NamedTuple):
    """The sums of an account in a currency, in minor units."""

    account: str
    currency: str
    minor_digits: int
    debit: int
    credit: int


def trial_balance(as_of: int | None = None) -> list[TrialBalanceLine]:
    """Return the sums of the journal by account and currency: of all lines, or of those up to a position."""
    lines = live(JournalLine)
    if as_of is not None:
        lines = lines.filter(position__lte=as_of)
    sums = (
        lines.values("account", "currency", "minor_digits")
        .annotate(debits=Sum("debit"), credits=Sum("credit"))
        .order_by("account", "currency")
    )
    return [
        TrialBalanceLine(s["account"], s["currency"], s["minor_digits"], int(s["debits"]), int(s["credits"]))
        for s in sums
    ]


def aging(business_date: date) -> list[AgingBucket]:
    """Return what was owed as a business date began, by currency and by days past due."""
    rows = live(AgingBucket).filter(business_date=business_date)
    return sorted(rows, key=lambda row: (row.currency, BUCKETS.index(row.bucket)))
