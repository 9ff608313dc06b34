"""Refusals of dates and positions that are not yet, and of gaps that are too large to be meant."""

from dataclasses import dataclass
from datetime import date

from ledger.refusals.base import AgainstTheRules


@dataclass(eq=False, kw_only=True)
class DateNotCycled(AgainstTheRules):
    """A business date has not begun, so nothing can be said as of it."""

    slug = "date-not-cycled"
    sentence = "The business date {business_date} has not begun: the last date cycled is {last_date}."
    remedy = "Ask as of a date that has begun, or leave as_of out."

    business_date: date
    last_date: date | None


@dataclass(eq=False, kw_only=True)
class PositionBeyondHead(AgainstTheRules):
    """Nothing has been recorded at a position, so nothing can be said as of it."""

    slug = "position-beyond-head"
    sentence = "There is no position {position}: the last is {head}."
    remedy = "Ask as of a position that there is, or leave as_of out."

    position: int
    head: int


@dataclass(eq=False, kw_only=True)
class TooManyMissingDates(AgainstTheRules):
    """More business dates are missing than may be published unasked; look at the date and the database first."""

    slug = "too-many-missing-dates"
    sentence = "{missing} business dates are missing, from {first_date} to {last_date}, and {most} is the most at once."
    remedy = "Look at the date and the database; if both are right, run daily_cycle --catch-up."

    missing: int
    first_date: date
    last_date: date
    most: int
