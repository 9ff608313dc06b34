"""What late recorded fees must be, computed from the streams of their products. See Note [Late recorded fees]."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from django.db.models import Count, Exists, Max, Min, OuterRef, QuerySet, Value

from ledger.rules.events import LateFeeIncurred, ProductOriginated
from ledger.rules.money import digits_of, to_minor
from projectors.models import LateAging, LateOwing, LateRecordedFee, OwedProduct
from projectors.queries.live import live
from projectors.schema.sums import ExactSum
from projectors.verification.differences import NOTHING, Difference, Money, Party
from projectors.verification.due import Cycle
from projectors.verification.streams import View

_Key = tuple[Any, ...]
_Period = tuple[date, date]
"""Two dates: after the first one, up to the second."""
_COLUMNS: Final = ("after_date", "until_date", "due_date", "currency", "minor_digits")


class LateFees:
    """Gathers the fees that were recorded after the date that they count for, product by product."""

    def __init__(self, cycles: Sequence[Cycle], position: int) -> None:
        self._dates = [cycle.on for cycle in cycles]
        self._positions = [cycle.position for cycle in cycles]
        self._position = position
        self._settled = date.min
        self._owed = False
        self._periods: list[_Period] = []
        self._counted: list[_Period] = []
        self._aging: dict[_Key, list[int]] = {}
        self._fees: dict[_Key, list[int]] = {}
        self._owing: dict[_Key, list[int]] = {}

    def observe(self, category: str, view: View, _until: int | None) -> None:
        """Go through the states of a product, in order."""
        if category != "product" or view.position > self._position:
            return
        product = view.state
        booked = self._booking_date(view.position)
        if isinstance(view.data, ProductOriginated):
            self._owed, self._periods, self._counted = True, [], []
        owes = bool(product.principal_outstanding or product.fees_outstanding)
        if owes and not self._owed and booked is not None:
            self._periods.append((self._settled, booked))
        if isinstance(view.data, LateFeeIncurred) and booked is not None and view.data.business_date < booked:
            self._add(view, view.data, booked)
        if self._owed and not owes:
            self._settled = booked or date.min
        self._owed = owes

    def _booking_date(self, position: int) -> date | None:
        index = bisect_left(self._positions, position)
        return self._dates[index - 1] if index else None

    def _add(self, view: View, fee: LateFeeIncurred, booked: date) -> None:
        product, amount = view.state, to_minor(fee.amount)
        rest = (booked, product.due_date, fee.currency, digits_of(fee.amount))
        _gather(self._aging, (fee.business_date, *rest), amount, 0, view.position)
        _gather(self._fees, (fee.business_date, *rest), amount, 1, view.position)
        counts = (fee.business_date, booked)
        parts = [_common(period, counts) for period in self._periods]
        for counted in self._counted:
            parts = [part for whole in parts for part in _without(whole, counted)]
        for part in parts:
            if part[0] < part[1]:
                _gather(self._aging, (*part, *rest[1:]), 0, 1, view.position)
                _gather(self._owing, (*part, *rest[1:]), 0, 1, view.position)
        self._counted.append(counts)

    def compare(self) -> int:
        """Compare the fees and their sums; return the number of rows, raise Difference."""
        rows = live(LateAging).values(*_COLUMNS, "fees", "products", "first_position", "position")
        aging = {tuple(row[column] for column in _COLUMNS): row for row in rows}
        for key in sorted(self._aging.keys() | aging.keys(), key=str):
            _compare("late aging", key, self._aging.get(key), aging.get(key))
        columns = ("business_date", "booking_date", *_COLUMNS[2:])
        fees = _rows_by(columns, live(LateRecordedFee), ExactSum("amount"))
        owing = _rows_by(_COLUMNS, live(LateOwing), Value(0))
        for key in sorted(self._fees.keys() | fees.keys(), key=str):
            _compare("late recorded fees", key, self._fees.get(key), fees.get(key))
        for key in sorted(self._owing.keys() | owing.keys(), key=str):
            _compare("late owing", key, self._owing.get(key), owing.get(key))
        for model in (LateRecordedFee, LateOwing):
            _compare_products(model)
        number: int = sum(row["products"] for row in (*fees.values(), *owing.values()))
        return len(aging) + number


def _rows_by(columns: tuple[str, ...], rows: QuerySet[Any], fees: Any) -> dict[_Key, Mapping[str, Any]]:
    grouped = rows.values(*columns).order_by()
    sums = grouped.annotate(
        fees=fees, products=Count("id"), first_position=Min("position"), last_position=Max("position")
    )
    return {
        tuple(row[column] for column in columns): {**row, "position": row["last_position"]} for row in sums.iterator()
    }


def _common(one: _Period, other: _Period) -> _Period:
    return max(one[0], other[0]), min(one[1], other[1])


def _without(whole: _Period, part: _Period) -> list[_Period]:
    """Return what is left of a period without another."""
    low, high = _common(whole, part)
    return [whole] if low >= high else [(whole[0], low), (high, whole[1])]


def _compare_products(model: type[LateRecordedFee | LateOwing]) -> None:
    """Raise Difference for a row whose product is not known with the same customer, currency and due date."""
    same = live(OwedProduct).filter(
        **{column: OuterRef(column) for column in ("product_uuid", "company_uuid", "currency", "due_date")}
    )
    stranger = live(model).filter(~Exists(same)).first()
    if stranger is not None:
        party = Party("product", stranger.product_uuid)
        raise Difference("late recorded fees", "presence", party, NOTHING, f"a row at {stranger.position}")


def _gather(sums: dict[_Key, list[int]], key: _Key, amount: int, number: int, position: int) -> None:
    total = sums.setdefault(key, [0, 0, position, position])
    total[0] += amount
    total[1] += number
    total[2:] = min(total[2], position), max(total[3], position)


def _compare(table: str, key: _Key, expected: list[int] | None, row: Mapping[str, Any] | None) -> None:
    party = Party("of", " ".join(map(str, key)))
    if expected is None or row is None:
        raise Difference(table, "presence", party, *(NOTHING if side is None else "a row" for side in (expected, row)))
    if expected[0] != row["fees"]:
        raise Difference(table, "fees", party, *(Money(side, key[-2], key[-1]) for side in (expected[0], row["fees"])))
    columns = [name for name in ("products", "first_position", "position") if name in row]
    figures = dict(zip(("products", "first_position", "position"), expected[1:], strict=True))
    for column in columns:
        if figures[column] != row[column]:
            raise Difference(table, column, party, figures[column], row[column])
