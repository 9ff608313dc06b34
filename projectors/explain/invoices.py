"""Invoices in amounts, with the names of those who owe them, and their totals."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Final, NamedTuple
from uuid import UUID

from ledger.rules.money import from_minor
from projectors.explain.figures import Cut
from projectors.explain.moment import named_at
from projectors.queries.customers import names_of, references_of
from projectors.queries.invoices import MOST_LOOKED_AT, Owed, Place, Wanted, invoices, owed_at, totals

_SOME: Final = 500


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice in a list; `status` is that of now."""

    product_uuid: UUID
    reference: str
    obligor_uuid: UUID
    obligor: str
    due_date: date
    status: str
    currency: str
    principal: Decimal
    fees: Decimal
    owed: Decimal
    place: str


class InvoiceTotal(NamedTuple):
    """The totals of a list in one currency."""

    currency: str
    invoices: int
    owed: Decimal
    fees: Decimal


def totals_of(wanted: Wanted) -> list[InvoiceTotal]:
    """Return the totals of a list, by currency."""
    return [
        InvoiceTotal(each.currency, each.invoices, *(from_minor(n, each.minor_digits) for n in (each.owed, each.fees)))
        for each in totals(wanted)
    ]


def rows_now(wanted: Wanted, order: str, after: Place | None = None, limit: int | None = None) -> Iterator[InvoiceRow]:
    """Yield invoices as they are now, in an order, after a place in it."""
    found = invoices(wanted, order, after)
    products = found.iterator(_SOME) if limit is None else iter(found[:limit])
    return _rows((Owed(row, row.principal, row.fees) for row in products), order)


class Page(NamedTuple):
    """Rows of a list; `next_place` is None at its end."""

    rows: list[InvoiceRow]
    next_place: str | None


def page_at(cut: Cut, wanted: Wanted, after: Place | None, limit: int) -> Page:
    """Return what owed something at a cut of the log, after a place in order of due date.

    It looks at a bounded number of invoices, so the page may have fewer rows than the limit and not be the last one.
    """
    found: list[Owed] = []
    last: Owed | None = None
    named = named_at(cut)
    candidates = owed_at(cut.position, cut.until, wanted, after, MOST_LOOKED_AT)
    for looked_at, one in enumerate(candidates, 1):
        last = one
        if one.principal or one.fees:
            found.append(one)
        if len(found) == limit or looked_at == MOST_LOOKED_AT:
            break
    else:
        return Page(list(_rows(found, "due", named)), None)
    return Page(list(_rows(found, "due", named)), _place(last, "due"))


def rows_at(cut: Cut, wanted: Wanted) -> Iterator[InvoiceRow]:
    """Yield everything that owed something at a cut of the log, in order of due date."""
    owed = owed_at(cut.position, cut.until, wanted)
    return _rows((one for one in owed if one.principal or one.fees), "due", named_at(cut))


def _rows(found: Iterable[Owed], order: str, named: Sequence[int] = ()) -> Iterator[InvoiceRow]:
    remaining = iter(found)
    while some := list(islice(remaining, _SOME)):
        names = names_of({one.product.company_uuid for one in some}, named)
        references = references_of({one.product.product_uuid for one in some})
        for one in some:
            row = one.product
            principal, fees = (from_minor(n, row.minor_digits) for n in (one.principal, one.fees))
            yield InvoiceRow(
                row.product_uuid,
                references.get(row.product_uuid, str(row.product_uuid)),
                row.company_uuid,
                names.get(row.company_uuid, ""),
                row.due_date,
                row.status,
                row.currency,
                principal,
                fees,
                principal + fees,
                _place(one, order),
            )


def _place(one: Owed, order: str) -> str:
    value = {"due": one.product.due_date, "owed": one.product.owed, "fees": one.product.fees}[order]
    return f"{value}~{one.product.product_uuid}"
