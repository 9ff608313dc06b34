"""Queries of invoices: the list now in several orders with its totals, and what was owed at a past moment.

See Note [Lists of invoices are read in order].
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from heapq import merge
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from ledger import as_of
from projectors.models import DueSum, FinancialProduct, JournalLine, OwedProduct
from projectors.queries.customer_sums import Moment, moment
from projectors.queries.live import live
from projectors.schema.sums import ExactSum

OWING: Final = "owing"
STATUSES: Final = (OWING, *FinancialProduct.Status.values)
"""Which invoices a list has: those that owe something, or those of one status."""
ORDERS: Final = {"due": "due_date", "owed": "-owed", "fees": "-fees"}
"""The orders of a list, each with its column. Only what owes something is ordered by owed or fees."""
MOST_LOOKED_AT: Final = 5_000
"""Invoices that may have owed something at a past moment, and are looked at for one page."""
_SOME: Final = 200
_RECEIVABLES: Final = {"principal_receivable": 0, "fees_receivable": 1}
Place = tuple[Any, UUID]
"""The place of an invoice in a list: the value of its order's column, and its uuid."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which invoices are wanted; due dates include both ends."""

    status: str = OWING
    company_uuid: UUID | None = None
    currency: str | None = None
    due_from: date | None = None
    due_to: date | None = None

    @property
    def terms(self) -> Q:
        """The condition on what never changes of an invoice."""
        terms = Q()
        if self.company_uuid is not None:
            terms &= Q(company_uuid=self.company_uuid)
        return terms & self.due

    @property
    def due(self) -> Q:
        """The condition on currency and due date."""
        terms = Q()
        if self.currency is not None:
            terms &= Q(currency=self.currency)
        if self.due_from is not None:
            terms &= Q(due_date__gte=self.due_from)
        if self.due_to is not None:
            terms &= Q(due_date__lte=self.due_to)
        return terms

    @property
    def state(self) -> Q:
        """The condition on what an invoice is now."""
        if self.status == OWING:
            return Q(owes=True)
        if self.status == FinancialProduct.Status.OPEN:
            return Q(owes=True, status=self.status)
        return Q(status=self.status)


def invoices(wanted: Wanted, order: str, after: Place | None = None) -> QuerySet[OwedProduct]:
    """Return the invoices as they are now, in an order, after a place in it."""
    column = ORDERS[order]
    rows = live(OwedProduct).filter(wanted.terms, wanted.state)
    name, sign = column.lstrip("-"), "lt" if column.startswith("-") else "gt"
    if after is not None:
        value, uuid = after
        rows = rows.filter(**{f"{name}__{sign}e": value}).filter(
            Q(**{f"{name}__{sign}": value}) | Q(product_uuid__gt=uuid)
        )
    return rows.order_by(column, "product_uuid")


def has_currency(currency: str) -> bool:
    """Say whether any invoice has a currency."""
    return live(DueSum).filter(currency=currency).exists()


class Total(NamedTuple):
    """The sums of a list in a currency, in minor units."""

    currency: str
    minor_digits: int
    invoices: int
    owed: int
    fees: int


def totals(wanted: Wanted) -> list[Total]:
    """Return the totals of a list by currency, without reading its invoices unless it is of one customer."""
    number = "owing" if wanted.status in {OWING, FinancialProduct.Status.OPEN} else "products"
    rows: Iterable[Any]
    if wanted.company_uuid is not None:
        products = live(OwedProduct).filter(wanted.terms, wanted.state).values("currency", "minor_digits").order_by()
        rows = products.annotate(number=Count("id"), all_fees=ExactSum("fees"), all_owed=ExactSum("owed"))
    else:
        of_status = Q() if wanted.status == OWING else Q(status=wanted.status)
        due = live(DueSum).filter(wanted.due, of_status).values("currency", "minor_digits").order_by()
        rows = due.annotate(number=Sum(number), all_fees=ExactSum("fees"), all_owed=ExactSum("owed"))
    made = (Total(r["currency"], r["minor_digits"], r["number"], r["all_owed"], r["all_fees"]) for r in rows)
    return sorted(total for total in made if total.invoices)


class Owed(NamedTuple):
    """What an invoice owed at a past moment, in minor units."""

    product: OwedProduct
    principal: int
    fees: int


def owed_at(
    position: int, until: date | None, wanted: Wanted, after: Place | None = None, most: int | None = None
) -> Iterator[Owed]:
    """Yield what invoices owed when a position had been recorded, counting up to a date, in order of due date.

    An invoice that is looked at and owed nothing then is yielded with zeros. At most so many are looked at.
    """
    candidates = islice(_candidates(moment(position, until), wanted, after, most), most)
    while some := list(islice(candidates, _SOME)):
        figures = _figures(position, until, {row.product_uuid for row in some})
        for row in some:
            yield Owed(row, *figures.get(row.product_uuid, (0, 0)))


def owed_of(
    companies: Collection[UUID], position: int, until: date | None, most: int | None = None
) -> list[Owed] | None:
    """Return what invoices of some customers owed, as `owed_at` does; None if more than `most` must be looked at."""
    at = moment(position, until)
    day = at.counted or as_of.booking_date(at.through + 1)
    rows = live(OwedProduct).filter(company_uuid__in=companies, originated_position__lte=at.through)
    settled = rows.filter(owes=False, status__in=(FinancialProduct.Status.PAID, FinancialProduct.Status.WRITTEN_OFF))
    lists = [rows.filter(owes=True), settled if day is None else settled.filter(settled_date__gte=day)]
    end = None if most is None else most + 1
    looked_at = [row for each in lists for row in each[:end]]
    if most is not None and len(looked_at) > most:
        return None
    figures = {
        uuid: sums
        for first in range(0, len(looked_at), _SOME)
        for uuid, sums in _figures(
            position, until, {row.product_uuid for row in looked_at[first : first + _SOME]}
        ).items()
    }
    return [Owed(row, *figures.get(row.product_uuid, (0, 0))) for row in looked_at]


def _candidates(at: Moment, wanted: Wanted, after: Place | None, most: int | None) -> Iterator[OwedProduct]:
    """Yield what owes something now, or was settled on the date of a moment or later, by due date."""
    day = at.counted or as_of.booking_date(at.through + 1)
    originated = Q(originated_position__lte=at.through)
    lists = [invoices(Wanted(OWING, *_terms(wanted)), "due", after).filter(originated)]
    for status in (FinancialProduct.Status.PAID, FinancialProduct.Status.WRITTEN_OFF):
        settled = invoices(Wanted(status, *_terms(wanted)), "due", after).filter(originated, owes=False)
        lists.append(settled if day is None else settled.filter(settled_date__gte=day))
    # PostgreSQL makes all rows of an iterator before it gives the first, so each list has an end.
    return merge(*(rows[:most].iterator(_SOME) for rows in lists), key=lambda row: (row.due_date, row.product_uuid))


def _terms(wanted: Wanted) -> tuple[UUID | None, str | None, date | None, date | None]:
    return wanted.company_uuid, wanted.currency, wanted.due_from, wanted.due_to


def _figures(position: int, until: date | None, uuids: set[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return principal and fees of products, added up from their lines of the journal."""
    lines = live(JournalLine).filter(party_uuid__in=uuids, account__in=_RECEIVABLES, position__lte=position)
    if until is not None:
        lines = lines.filter(Q(business_date__isnull=True) | Q(business_date__lte=until))
    found: dict[UUID, list[int]] = {}
    by_account = lines.values("party_uuid", "account").order_by()
    for row in by_account.annotate(debits=ExactSum("debit"), credits=ExactSum("credit")):
        figures = found.setdefault(row["party_uuid"], [0, 0])
        figures[_RECEIVABLES[row["account"]]] += row["debits"] - row["credits"]
    return {uuid: (principal, fees) for uuid, (principal, fees) in found.items()}
