"""Filters of Books' templates: amounts, dates and addresses, written the same way on every page."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django import template
from django.template import Context
from django.urls import reverse

from eventstore.patterns import UUID_PATTERN
from ledger.rules.facts import stream_id
from ledger.rules.money import from_minor
from projectors.explain.reports import Bucket, CurrencyAging
from projectors.explain.words import amount_text
from web.books.frame import Frame

register = template.Library()

_UUID_LENGTH: Final = 36
_SHORT: Final = 8
_UUID: Final = re.compile(UUID_PATTERN)


@register.filter
def amount(value: Decimal | str | None) -> str:
    """Return an amount with separators and all its digits; an empty text for None."""
    return amount_text(value) if isinstance(value, Decimal) else ""


@register.filter
def change(value: Decimal) -> str:
    """Return a change with its sign."""
    return f"{value:+,f}"


@register.filter
def minor(row: Any, column: str) -> str:
    """Return a number of minor units as an amount; an empty text for zero."""
    units = getattr(row, column)
    return amount_text(from_minor(units, row.minor_digits)) if units else ""


@register.filter
def day(value: date | None) -> str:
    """Return a date in the form of ISO 8601, or a dash for None."""
    return "–" if value is None else value.isoformat()


@register.filter
def moment(value: datetime | None) -> str:
    """Return a moment in UTC, to the second."""
    return "–" if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


@register.filter
def short(value: Any) -> str:
    """Return the first part of a uuid, or of a stream id with its category; a stream without a uuid as it is."""
    text = str(value)
    category, uuid = text[:-_UUID_LENGTH], text[-_UUID_LENGTH:]
    return f"{category}{uuid[:_SHORT]}…" if _UUID.fullmatch(uuid) else text


@register.filter
def number(value: int) -> str:
    """Return a whole number with separators."""
    return f"{value:,}"


@register.filter
def item(values: Mapping[str, Any], key: str) -> Any:
    """Return a value by its key, or None if the key is missing."""
    return values.get(key)


@register.filter
def bucket(currency: CurrencyAging | None, name: str) -> Bucket | None:
    """Return a bucket by its name."""
    return None if currency is None else next(each for each in currency.buckets if each.name == name)


@register.filter
def stream_of(uuid: UUID, category: str) -> str:
    """Return the stream of an entity."""
    return stream_id(category, uuid)


@register.filter
def words(value: str) -> str:
    """Return the name of a field as words."""
    return value.replace("_", " ")


@register.filter
def plain(value: Any) -> str:
    """Return a value of a state as people read it."""
    if isinstance(value, Decimal):
        return amount_text(value)
    return "–" if value in (None, "") else str(value)


@register.filter
def evidence(value: Any) -> str:
    """Return a cell of a page of evidence: dates in the form of ISO 8601, whatever the settings are."""
    return value.isoformat() if isinstance(value, date) else str(value)


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: Any) -> str:
    """Return this page's address with some parameters changed, or left out if their value is None."""
    parameters = context["request"].GET.copy()
    for name, value in changes.items():
        if value is None:
            parameters.pop(name, None)
        else:
            parameters[name] = value
    return f"?{parameters.urlencode()}"


@register.simple_tag
def to(frame: Frame | None, name: str, *args: Any, **more: Any) -> str:
    """Return the address of a page of Books that shows the same moment as this one."""
    path = reverse(f"books:{name}", args=args)
    return path if frame is None else frame.address(path, **more)


@register.simple_tag
def query_of(name: str, frame: Frame, **parameters: Any) -> str:
    """Return the address of a page that shows the same moment, with the parameters that have a value."""
    given = {name: str(value) for name, value in parameters.items() if value is not None}
    return frame.address(reverse(f"books:{name}"), **given)
