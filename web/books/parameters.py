"""The parameters of an address and the fields of a form: numbers, dates, periods, uuids, and the order of rows."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Final
from uuid import UUID

from django.http import HttpRequest

from ledger.rules.dates import FIRST_DATE, LAST_DATE
from projectors.explain.figures import Order
from web.books.frame import Refused

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_POSITION: Final = re.compile(r"[0-9]{1,18}")
_MOST_DIGITS: Final = 39


def whole_number(parameters: Mapping[str, str], name: str, *, default: int) -> int:
    """Return a parameter that is a whole number, such as a position; raises Refused."""
    text = parameters.get(name, "").strip()
    if not text:
        return default
    if not _POSITION.fullmatch(text):
        raise Refused(f"{name}={text} is not possible: it must be a whole number.")
    return int(text)


def digits_of(text: str) -> int:
    """Return the number that digits stand for, such as a part of a place in a list; raises ValueError."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise ValueError(text)
    return int(text)


def date_of(request: HttpRequest, name: str) -> date | None:
    """Return a parameter that is a business date, None if it is not given; raises Refused."""
    text = request.GET.get(name, "").strip()
    if not text:
        return None
    if not _DATE.fullmatch(text):
        raise Refused(f"{name}={text} is not possible: it must be a date such as 2026-01-31.")
    try:
        on = date.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"There is no date {text}.") from error
    if not FIRST_DATE <= on <= LAST_DATE:
        raise Refused(f"{name}={text} is not possible: business dates are from {FIRST_DATE} to {LAST_DATE}.")
    return on


def period_of(request: HttpRequest, first: str = "from", last: str = "to") -> tuple[date | None, date | None]:
    """Return two parameters that are the first and the last date of a period; raises Refused."""
    begin, end = date_of(request, first), date_of(request, last)
    if begin is not None and end is not None and begin > end:
        raise Refused(f"{first}={begin} is after {last}={end}.")
    return begin, end


def uuid_of(request: HttpRequest, name: str) -> UUID | None:
    """Return a parameter that is a uuid, None if it is not given; raises Refused."""
    text = request.GET.get(name, "").strip()
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise Refused(f"{name}={text} is not possible: it must be a uuid.") from error


def order(request: HttpRequest) -> Order:
    """Return the order of rows that an address asks for; the default is by the date that counts. Raises Refused."""
    asked = request.GET.get("order", "")
    match asked:
        case "" | "counts":
            return "counts"
        case "recorded":
            return "recorded"
        case _:
            raise Refused(f"order={asked} is not possible: it must be counts or recorded.")
