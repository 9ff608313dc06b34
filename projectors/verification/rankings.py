"""Compares the kept rankings of customers with the order of the sums in the lines of customers."""

from collections.abc import Iterator, Mapping
from heapq import nsmallest
from typing import Any, Final

from projectors.customers import rankings
from projectors.customers.rankings import Customer, Ranked
from projectors.models import CustomerLine, CustomerRanking, CustomerSum
from projectors.queries.live import live
from projectors.verification.differences import NOTHING, Difference, Party

_BATCH: Final = 5000
_Lines = Iterator[tuple[Any, ...]]


def compare_rankings() -> int:
    """Compare every ranking with the sums through its position; return their number, raise Difference."""
    if not live(CustomerRanking).exists() and live(CustomerSum).count() <= rankings.MOST:
        return 0
    kept: dict[int, dict[str, CustomerRanking]] = {}
    for row in live(CustomerRanking).iterator():
        kept.setdefault(row.through, {})[row.by] = row
    places = iter(sorted(kept))
    place = next(places, None)
    sums: dict[Customer, tuple[int, ...]] = {}
    last = 0
    for position, customer, figures in _lines():
        while place is not None and place < position:
            _compare(place, kept[place], sums)
            place = next(places, None)
        needed = (position - 1) // rankings.EVERY * rankings.EVERY
        if last <= needed and len(sums) > rankings.MOST and needed not in kept:
            raise Difference("rankings of customers", "presence", Party("position", needed), "a ranking", NOTHING)
        sums[customer], last = figures, position
    while place is not None:
        _compare(place, kept[place], sums)
        place = next(places, None)
    return sum(map(len, kept.values()))


def _lines() -> Iterator[tuple[int, Customer, tuple[int, ...]]]:
    """Yield position, customer and sums of each line, in order of position."""
    columns = ("position", "company_uuid", "currency", "minor_digits", *rankings.RANKINGS)
    rows = live(CustomerLine).order_by("position").values_list(*columns).iterator(_BATCH)
    for position, uuid, currency, digits, *figures in rows:
        yield position, (uuid.hex, currency, digits), tuple(figures)


def _has_places(row: CustomerRanking, customers: int) -> bool:
    if row.is_all:
        return len(row.customers) == customers
    return rankings.MOST <= 2 * len(row.customers) <= 2 * rankings.MOST


def _compare(through: int, kept: Mapping[str, CustomerRanking], sums: Mapping[Customer, tuple[int, ...]]) -> None:
    for place, by in enumerate(rankings.RANKINGS):
        party = Party(f"customers by {by} through position", through)
        row = kept.get(by)
        if row is None or not _has_places(row, len(sums)):
            found = NOTHING if row is None else len(row.customers)
            raise Difference("rankings of customers", "places", party, f"up to {rankings.MOST}", found)
        expected = nsmallest(len(row.customers), (Ranked(-figures[place], c) for c, figures in sums.items()))
        for one, found in zip(expected, row.customers, strict=False):
            if [*one.customer, one.sum] != found:
                raise Difference("rankings of customers", "customer", party, [*one.customer, one.sum], found)
