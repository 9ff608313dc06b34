"""Aging by customer: what each owed as a date began, by how long it was past due."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice, takewhile
from typing import Final, NamedTuple
from uuid import UUID

from ledger import as_of
from ledger.rules.money import from_minor, zero_like
from projectors.aging import bucket_of
from projectors.explain.customer import Standing, some_standings, standings
from projectors.explain.figures import Cut
from projectors.queries.customer_sums import Moment, moment_began
from projectors.queries.invoices import owed_of
from projectors.queries.reports import BUCKETS

RANKINGS: Final = ("overdue", "owed")
MOST_LOOKED_AT: Final = 5_000
"""Invoices of a page's customers that are looked at; if there are more, the page has no buckets."""
_SOME: Final = 100
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class CustomerAging:
    """What a customer owed in a currency, by bucket; `buckets` is None if it has too many invoices for a page."""

    standing: Standing
    buckets: tuple[Decimal, ...] | None


class CustomersAging(NamedTuple):
    """Some customers in order; `is_certain` is False if there are more whose order is not kept."""

    rows: list[CustomerAging]
    is_certain: bool


def page_of_customers(on: date, cut: Cut, by: str, start: int, limit: int) -> CustomersAging:
    """Return the customers that owed something as a date began, the greatest first, from a place in that order.

    A cut without a last date is as known when the date began.
    """
    found = some_standings(_moment(on, cut), by, start=start, limit=limit)
    owing = [one for one in found.rows if getattr(one, by)]
    is_certain = found.is_certain or len(owing) < len(found.rows)
    return CustomersAging(_with_buckets(owing, on, cut, MOST_LOOKED_AT), is_certain)


def every_customer(on: date, cut: Cut) -> Iterator[CustomerAging]:
    """Yield all customers that owed something as a date began, the greatest first."""
    found = takewhile(lambda one: bool(one.owed), standings(_moment(on, cut), "owed"))
    while some := list(islice(found, _SOME)):
        yield from _with_buckets(some, on, cut, None)


def cut_of(on: date, position: int, *, known_then: bool) -> Cut:
    """Return the cut of what was owed as a date began, as known then or at a position."""
    return Cut(min(as_of.began(on) - 1, position)) if known_then else Cut(position, on - timedelta(days=1))


def _moment(on: date, cut: Cut) -> Moment:
    up_to = cut.position + 1 if cut.until is None else cut.position
    return moment_began(on, up_to, known_now=cut.until is not None)


def _with_buckets(some: Sequence[Standing], on: date, cut: Cut, most: int | None) -> list[CustomerAging]:
    owed = owed_of({one.company_uuid for one in some}, cut.position, cut.until, most)
    if owed is None:
        return [CustomerAging(one, None) for one in some]
    found: dict[tuple[UUID, str], dict[str, Decimal]] = {}
    for product, principal, fees in owed:
        buckets = found.setdefault((product.company_uuid, product.currency), {})
        name = bucket_of(product.due_date, on)
        buckets[name] = buckets.get(name, _ZERO) + from_minor(principal + fees, product.minor_digits)
    return [
        CustomerAging(one, _row(found.get((one.company_uuid, one.currency), {}), zero_like(one.owed))) for one in some
    ]


def _row(buckets: dict[str, Decimal], zero: Decimal) -> tuple[Decimal, ...]:
    return tuple(buckets.get(name, zero) for name in BUCKETS)
