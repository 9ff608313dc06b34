"""The bounds of business dates: every date that is computed from one between them can be stored."""

from datetime import date
from typing import Final

from ledger.rules.refusals.fields import InvalidDate

FIRST_DATE: Final = date(1900, 1, 1)
LAST_DATE: Final = date(2999, 12, 31)


def business_date(field: str, value: date) -> date:
    """Return the date, or raise InvalidDate if it is not between FIRST_DATE and LAST_DATE."""
    if not FIRST_DATE <= value <= LAST_DATE:
        raise InvalidDate(field=field, value=value, first_date=FIRST_DATE, last_date=LAST_DATE)
    return value
