"""Refusals of dates and positions that are still to come, and of gaps that look like a mistake."""

from dataclasses import dataclass
from datetime import date

from ledger.rules.refusals.base import AgainstTheRules


@dataclass(eq=False, kw_only=True)
class DateNotCycled(AgainstTheRules):
    """A business date has not begun, so there is no state as of it."""

    slug = "date-not-cycled"
    sentence = "The business date {business_date} has not begun: the last date cycled is {last_date}."
    remedy = "Name a date that has begun, or none."

    business_date: date
    last_date: date | None

    def __str__(self) -> str:
        """Return the sentence; before the first cycle it has no last date."""
        if self.last_date is None:
            return f"The business date {self.business_date} has not begun: no date has been cycled yet."
        return super().__str__()


@dataclass(eq=False, kw_only=True)
class PositionBeyondHead(AgainstTheRules):
    """A position is after the head, so there is no state as of it."""

    slug = "position-beyond-head"
    sentence = "There is no position {position}: the last is {head}."
    remedy = "Name a position that there is, or none."

    position: int
    head: int


@dataclass(eq=False, kw_only=True)
class TooManyMissingDates(AgainstTheRules):
    """More business dates are missing than are published without --catch-up; check the date and the database."""

    slug = "too-many-missing-dates"
    sentence = "{missing} business dates are missing, from {first_date} to {last_date}, and {most} is the most at once."
    remedy = "Look at the date and the database; if both are right, run daily_cycle --catch-up."

    missing: int
    first_date: date
    last_date: date
    most: int
