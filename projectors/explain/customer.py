"""Customers in amounts: their sums, and a statement of what they came to owe and paid, with a running balance."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import chain, islice
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from ledger.rules.money import from_minor
from projectors.explain.figures import Cut
from projectors.models import CustomerLine, CustomerSum
from projectors.queries.customer_sums import CustomerFigures, Moment, Which, customer_sums, moment
from projectors.queries.customers import names_of, ranked, references_of
from projectors.queries.live import live
from projectors.queries.rankings import greatest
from projectors.schema.sums import ExactSum

_DAY: Final = timedelta(days=1)
_SOME: Final = 500
"""Rows that are read at a time."""
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


def standings(at: Cut | Moment | None, by: str) -> Iterator[Standing]:
    """Yield all customers, the greatest sums first, each with its name: now, or at a cut of the log."""
    if at is None:
        return _named(iter(ranked(by).iterator(_SOME)))
    taken = _moment(at)
    return _named(customer_sums(taken, by=by), taken)


class Standings(NamedTuple):
    """Some customers in order; `is_certain` is False if there are more whose order is not kept."""

    rows: list[Standing]
    is_certain: bool


def some_standings(at: Cut | Moment | None, by: str, *, start: int, limit: int) -> Standings:
    """Return so many customers after the first ones, the greatest sum first, each with its name."""
    if at is None:
        return Standings(list(_named(iter(ranked(by)[start : start + limit]))), is_certain=True)
    taken = _moment(at)
    found = greatest(taken, by, start=start, limit=limit)
    return Standings(list(_named(iter(found.rows), taken)), found.is_certain)


def _moment(at: Cut | Moment) -> Moment:
    return at if isinstance(at, Moment) else moment(at.position, at.until)


def _named(rows: Iterator[CustomerSum | CustomerFigures], at: Moment | None = None) -> Iterator[Standing]:
    named = () if at is None else (at.through, max(at.through, at.up_to))
    while some := list(islice(rows, _SOME)):
        names = names_of({row.company_uuid for row in some}, named)
        yield from (_standing(row, names.get(row.company_uuid, "")) for row in some)


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

    @property
    def place(self) -> str:
        """The place of the line in the statement."""
        return f"{self.on or ''}~{self.position}"


Place = tuple[date | None, int]
"""The place of a line in a statement: its business date and its position."""


@dataclass(frozen=True)
class Statement:
    """What changed what a customer owes in a period of business dates, which include both ends.

    Only the lines that are read are in memory. Without a first date the period begins with the ledger.
    """

    company_uuid: UUID
    cut: Cut
    first: date | None
    last: date | None

    @cached_property
    def opening(self) -> dict[str, Decimal]:
        """What the customer owed before the period, by currency."""
        if self.first is None:
            return {}
        return self._owed(self.first - _DAY)

    @property
    def closing(self) -> dict[str, Decimal]:
        """What the customer owed at the end of the period, by currency."""
        return self._owed(self._until)

    def lines(self, after: Place | None = None, limit: int | None = None) -> Iterator[StatementLine]:
        """Yield the lines in the order in which they count, from the first one or after a place; at most so many."""
        balances = dict(self.opening)
        for currency, change in self._changes_through(after).items():
            balances[currency] = balances.get(currency, Decimal(0)) + change
        # PostgreSQL makes all rows of an iterator before it gives the first, so each part has an end.
        rows = islice(chain(*(part[:limit].iterator(_SOME) for part in self._parts(after))), limit)
        while some := list(islice(rows, _SOME)):
            references = references_of({row.product_uuid for row in some if row.product_uuid is not None})
            for row in some:
                change = from_minor(row.change, row.minor_digits)
                balances[row.currency] = balances.get(row.currency, Decimal(0)) + change
                yield _line(row, references, change, balances[row.currency])

    @property
    def _until(self) -> date | None:
        bounds = [bound for bound in (self.cut.until, self.last) if bound is not None]
        return min(bounds) if bounds else None

    def _owed(self, on: date | None) -> dict[str, Decimal]:
        sums = customer_sums(moment(self.cut.position, on), Which(self.company_uuid))
        return {row.currency: from_minor(row.owed, row.minor_digits) for row in sums}

    def _rows(self) -> QuerySet[CustomerLine]:
        of_products = live(CustomerLine).filter(company_uuid=self.company_uuid, product_uuid__isnull=False)
        rows = of_products.filter(position__lte=self.cut.position)
        if self._until is not None:
            rows = rows.filter(Q(business_date__isnull=True) | Q(business_date__lte=self._until))
        return rows

    def _parts(self, after: Place | None) -> Iterator[QuerySet[CustomerLine]]:
        """Yield the lines without a date, which come first, and the others."""
        rows = self._rows()
        if self.first is None and (after is None or after[0] is None):
            undated = rows.filter(business_date__isnull=True).order_by("position")
            yield undated if after is None else undated.filter(position__gt=after[1])
        dated = rows.filter(business_date__isnull=False)
        if self.first is not None:
            dated = dated.filter(business_date__gte=self.first)
        if after is not None and after[0] is not None:
            beyond = Q(business_date__gt=after[0]) | Q(position__gt=after[1])
            dated = dated.filter(beyond, business_date__gte=after[0])
        yield dated.order_by("business_date", "position")

    def _changes_through(self, after: Place | None) -> dict[str, Decimal]:
        """Return what the lines of the period through a place changed, by currency."""
        if after is None:
            return {}
        on, position = after
        rows = self._rows()
        if self.first is not None:
            rows = rows.filter(business_date__gte=self.first)
        undated = Q(business_date__isnull=True)
        if on is None:
            rows = rows.filter(undated, position__lte=position)
        else:
            rows = rows.filter(undated | Q(business_date__lt=on) | Q(business_date=on, position__lte=position))
        sums = rows.values("currency", "minor_digits").order_by().annotate(all_changes=ExactSum("change"))
        return {row["currency"]: from_minor(row["all_changes"], row["minor_digits"]) for row in sums}


def _line(row: CustomerLine, references: dict[UUID, str], change: Decimal, balance: Decimal) -> StatementLine:
    assert row.product_uuid is not None  # noqa: S101 - only lines of products are read
    what = _WORDS.get(row.event_type, row.event_type)
    invoice = references.get(row.product_uuid, "")
    return StatementLine(
        row.business_date, row.position, what, invoice, row.product_uuid, row.currency, change, balance
    )
