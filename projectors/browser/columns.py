"""Columns of the admin's pages of read models: money with its currency, uuids as links to their streams."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from eventstore.browser.events import stream_link
from eventstore.browser.read_only import as_text
from ledger.rules.facts import stream_id
from ledger.rules.money import from_minor

Column = Callable[[Any], str | bool]

NOTHING = mark_safe('<span class="nothing">–</span>')


def amount_text(minor: int, digits: int, currency: str) -> str:
    """Return an amount in minor units as people write it: with its digits after the point and the currency."""
    return f"{from_minor(minor, digits):,f} {currency}".rstrip()


def money(field: str, *, hide_zero: bool = False) -> Column:
    """Return the column of a field in minor units."""

    @admin.display(description=field.replace("_", " "))
    def column(row: Any) -> SafeString:
        minor = getattr(row, field)
        if not minor and hide_zero:
            return mark_safe('<span class="money"></span>')
        shown = "money" if minor else "money nothing"
        return format_html('<span class="{}">{}</span>', shown, amount_text(minor, row.minor_digits, row.currency))

    column.__name__ = f"{field}_money"
    return column


def dated(field: str) -> Column:
    """Return the column of a date."""

    @admin.display(description=field.replace("_", " "))
    def column(row: Any) -> str:
        return as_text(getattr(row, field))

    column.__name__ = f"{field}_dated"
    return column


def stream(field: str, category: str, *, in_short: bool = False) -> Column:
    """Return the column of a uuid, as a link to the events of its stream."""

    @admin.display(description=field.removesuffix("_uuid").replace("_", " "))
    def column(row: Any) -> SafeString:
        return entity_link(category, getattr(row, field), in_short=in_short)

    column.__name__ = f"{field}_stream"
    return column


def entity_link(category: str, entity: uuid.UUID | None, *, in_short: bool = False) -> SafeString:
    """Return a link to the events of an entity; with `in_short`, its text is the first part of the uuid."""
    if entity is None:
        return NOTHING
    return stream_link(stream_id(category, entity), in_short=in_short)


def companies_html(companies: Iterable[Mapping[str, str]], *, in_short: bool = False) -> SafeString:
    """Return companies with their roles, one to a line, as links."""
    lines = ((c["role"], entity_link("company", uuid.UUID(c["company_uuid"]), in_short=in_short)) for c in companies)
    return format_html_join(mark_safe("<br>"), "{}: {}", lines)
