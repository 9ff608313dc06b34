"""What products owed at each cycle by days past due, computed from their streams; verifies aging.

What a product owes does not change between two of its events. That span covers a run of cycles, within which the
product changes its bucket at four dates. Each span therefore adds to at most five runs of cycles, and a run is noted by
where a figure begins and where it ends. Memory grows with the number of dates, not with the number of products.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from ledger.rules.aggregates.product import Product
from ledger.rules.money import digits_of, to_minor
from projectors.models import AgingBucket
from projectors.verification.streams import View

_BUCKETS: Final = tuple(str(bucket) for bucket in AgingBucket.Bucket)
_DAYS_PAST_DUE: Final = (0, 30, 60, 90)


class Cycle(NamedTuple):
    """A business date and the position at which it began."""

    position: int
    on: date


class Due(NamedTuple):
    """A bucket of a date in a currency, in minor units."""

    cycle: Cycle
    currency: str
    bucket: str
    minor_digits: int
    principal: int
    fees: int
    products: int


class DueByCycle:
    """Adds up what products owed at cycles."""

    def __init__(self, cycles: Sequence[Cycle]) -> None:
        self._cycles = cycles
        self._positions = [cycle.position for cycle in cycles]
        # Numbers, because a due date plus 90 days may lie beyond the last date that `date` can hold.
        self._days = [cycle.on.toordinal() for cycle in cycles]
        self._digits: dict[str, int] = {}
        self._changes: dict[tuple[str, str], list[list[int]]] = {}

    def observe(self, category: str, view: View, until: int | None) -> None:
        """Add what a product owed from the view's position until another."""
        if category != "product" or not isinstance(view.state, Product):
            return
        product = view.state
        if product.due_date is None or not (product.principal_outstanding or product.fees_outstanding):
            return
        begin = bisect_right(self._positions, view.position)
        end = len(self._cycles) if until is None else bisect_left(self._positions, until)
        due = product.due_date.toordinal()
        edges = [bisect_right(self._days, due + days) for days in _DAYS_PAST_DUE]
        bounds = [begin, *(min(max(edge, begin), end) for edge in edges), end]
        for bucket, (first, last) in zip(_BUCKETS, pairwise(bounds), strict=True):
            if first < last:
                self._add(product, bucket, first, last)

    def _add(self, product: Product, bucket: str, first: int, last: int) -> None:
        currency = product.currency or ""
        self._digits[currency] = digits_of(product.principal)
        columns = self._changes.get((currency, bucket))
        if columns is None:
            columns = self._changes[currency, bucket] = [[0] * (len(self._cycles) + 1) for _ in range(3)]
        figures = (to_minor(product.principal_outstanding), to_minor(product.fees_outstanding), 1)
        for column, figure in zip(columns, figures, strict=True):
            column[first] += figure
            column[last] -= figure

    def results(self) -> Iterator[Due]:
        """Yield the buckets in which anything was owed."""
        for (currency, bucket), columns in self._changes.items():
            sums = zip(*(accumulate(column) for column in columns), strict=True)
            for cycle, (principal, fees, products) in zip(self._cycles, sums, strict=False):
                if products:
                    yield Due(cycle, currency, bucket, self._digits[currency], principal, fees, products)
