"""Customers in amounts: their sums, and a statement of what they came to owe and paid, with a running balance."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Final
from uuid import UUID

from django.db.models import Q

from ledger.rules.money import from_minor
from projectors.explain.figures import Cut
from projectors.models import CustomerSum, FinancialProduct, JournalLine
from projectors.queries.customer_sums import CustomerFigures, Which, customer_sums, moment
from projectors.queries.customers import names_of, products_of, ranked
from projectors.queries.live import live

_RECEIVABLES: Final = ("principal_receivable", "fees_receivable")
_SOME: Final = 500
"""Products whose lines are read in one query."""
_WORDS: Final = {
    "ProductOriginated": "Invoice",
    "PaymentApplied": "Payment",
    "PaymentReversed": "Payment reversed",
    "LateFeeIncurred": "Late fee",
    "LateFeeReversed": "Late fee reversed",
    "LateFeeWaived": "Late fee waived",
    "WaiverReversed": "Waiver reversed",
    "ProductWrittenOff": "Written off",
    "WriteOffReversed": "Write-off reversed",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a customer owes in one currency."""

    company_uuid: UUID
    name: str
    currency: str
    owed: Decimal
    overdue: Decimal
    fees: Decimal
    fees_incurred: Decimal
    invoices: int


def standings(at: Cut | None, by: str, *, start: int = 0, limit: int | None = None) -> Iterator[Standing]:
    """Yield the customers with the greatest sums first, each with its name: now, or at a cut of the log."""
    if at is None:
        rows: Iterator[CustomerSum | CustomerFigures] = iter(_present(by, start, limit))
    else:
        rows = customer_sums(moment(at.position, at.until), by=by, limit=limit, start=start)
    while some := list(islice(rows, _SOME)):
        names = names_of({row.company_uuid for row in some})
        yield from (_standing(row, names.get(row.company_uuid, "")) for row in some)


def _present(by: str, start: int, limit: int | None) -> Iterator[CustomerSum]:
    found = ranked(by)
    return found.iterator(_SOME) if limit is None else iter(found[start : start + limit])


def standings_of(company_uuid: UUID, name: str, at: Cut) -> list[Standing]:
    """Return the sums of a customer at a cut of the log, by currency."""
    return [_standing(row, name) for row in customer_sums(moment(at.position, at.until), Which(company_uuid))]


def _standing(row: CustomerSum | CustomerFigures, name: str) -> Standing:
    owed, overdue, fees, incurred = (
        from_minor(units, row.minor_digits) for units in (row.owed, row.overdue, row.fees, row.fees_incurred)
    )
    return Standing(row.company_uuid, name, row.currency, owed, overdue, fees, incurred, row.products)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One thing that changed what a customer owes, and what it owed in that currency after it."""

    on: date | None
    position: int
    what: str
    invoice: str
    product_uuid: UUID
    currency: str
    change: Decimal
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """What a customer owed before a period, what changed it, and what it owed at the end, by currency."""

    opening: dict[str, Decimal]
    lines: tuple[StatementLine, ...]
    closing: dict[str, Decimal]


def statement(company_uuid: UUID, cut: Cut, first: date | None, last: date | None) -> Statement:
    """Return the statement of a period, by business dates, which include both ends."""
    opening: dict[str, Decimal] = {}
    running: dict[str, Decimal] = {}
    lines: list[StatementLine] = []
    for line in sorted(_changes(company_uuid, cut, last), key=lambda each: (each.on or date.min, each.position)):
        running[line.currency] = running.get(line.currency, Decimal(0)) + line.change
        if first is not None and (line.on is None or line.on < first):
            opening[line.currency] = running[line.currency]
            continue
        lines.append(replace(line, balance=running[line.currency]))
    return Statement(opening, tuple(lines), running)


def _changes(company_uuid: UUID, cut: Cut, last: date | None) -> Iterator[StatementLine]:
    """Yield what changed what a customer owes, one line for each event."""
    products = products_of(company_uuid).values_list("product_uuid", "reference")
    references: dict[UUID, str] = {}
    for uuid, reference in products.iterator():
        references[uuid] = reference
        if len(references) == _SOME:
            yield from _changes_of(references, cut, last)
            references = {}
    if references:
        yield from _changes_of(references, cut, last)


def _changes_of(references: dict[UUID, str], cut: Cut, last: date | None) -> Iterator[StatementLine]:
    rows = live(JournalLine).filter(party_uuid__in=[*references], account__in=_RECEIVABLES, position__lte=cut.position)
    for bound in (cut.until, last):
        if bound is not None:
            rows = rows.filter(Q(business_date__isnull=True) | Q(business_date__lte=bound))
    changes: dict[int, StatementLine] = {}
    for row in rows.order_by("position", "line"):
        change = from_minor(row.debit - row.credit, row.minor_digits)
        known = changes.get(row.position)
        if known is not None:
            changes[row.position] = replace(known, change=known.change + change)
            continue
        what, reference = _WORDS.get(row.event_type, row.event_type), references[row.party_uuid]
        changes[row.position] = StatementLine(
            row.business_date, row.position, what, reference, row.party_uuid, row.currency, change, change
        )
    yield from changes.values()


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice in a list."""

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


def invoice_rows(products: Iterable[FinancialProduct]) -> list[InvoiceRow]:
    """Return products as a list shows them, with the names of those who owe them."""
    found = list(products)
    names = names_of({row.obligor_company_uuid for row in found})
    return [_invoice(row, names.get(row.obligor_company_uuid, "")) for row in found]


def _invoice(row: FinancialProduct, obligor: str) -> InvoiceRow:
    principal, fees = (from_minor(n, row.minor_digits) for n in (row.principal_outstanding, row.fees_outstanding))
    return InvoiceRow(
        row.product_uuid,
        row.reference,
        row.obligor_company_uuid,
        obligor,
        row.due_date,
        row.status,
        row.currency,
        principal,
        fees,
        principal + fees,
    )
