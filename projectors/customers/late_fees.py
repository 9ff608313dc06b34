"""Keeps what late fees add to dates that were over when they were recorded.

# Note [Late recorded fees]
A fee counts for its own business date B. If it was recorded after that date had ended, on booking date R, the aging of
each date from the day after B to R was taken without it. As known now it belongs to them. Such fees are kept one by
one, and added up by B, R and due date, so that the aging of a date as known now is the aging as known then plus a few
sums.

A product that was settled owed nothing as known then, until it owed again: by a reversal, or by this fee. A late fee
makes it owe in the part of such a period that lies between B and R. Each part is counted once, by the first fee that
fills it: a product keeps the periods that no fee has filled.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from projectors.events.dates import DatedEvent
from projectors.events.payloads import minor
from projectors.models import LateAging, LateOwing, LateRecordedFee
from projectors.tables.draft import Draft
from projectors.tables.layout import Key, Row
from projectors.tables.table import Table

TERMS: Final = ("company_uuid", "currency", "minor_digits", "due_date")
_FEES = Table(LateRecordedFee, key=("position",))
_OWING = Table(LateOwing, key=("position", "after_date"))
_AGING = Table(
    LateAging,
    key=("after_date", "until_date", "due_date", "currency", "minor_digits"),
    changing=("fees", "products", "position"),
)
Period = list[str]
"""Two dates: after the first one, up to the second."""


class LateFees:
    """The late recorded fees of a batch."""

    def __init__(self, generation: int, using: str) -> None:
        self._generation, self._using = generation, using
        self._fees: list[Row] = []
        self._owing: list[Row] = []

    def add(self, row: Row, event: DatedEvent) -> None:
        """Note a late fee of a product, and take from its settled periods what the fee fills."""
        shared = {column: row[column] for column in ("product_uuid", *TERMS)} | {"position": event.event.position}
        dates = {"business_date": event.business_date, "booking_date": event.booking_date}
        self._fees.append({**shared, **dates, "amount": minor(event.payload["amount"])})
        filled, left = split(_periods(row), event.business_date or "", event.booking_date or "")
        if filled:
            self._owing += [{**shared, "after_date": after, "until_date": until} for after, until in filled]
            row["settled_periods"] = json.dumps(left)

    def save(self) -> None:
        """Write the fees, and add them to the dates that lack them."""
        _FEES.insert(self._fees, self._generation, self._using)
        _OWING.insert(self._owing, self._generation, self._using)
        figures = [*self._parts()]
        draft = Draft(_AGING, {key for _, key, _, _ in figures}, self._generation, self._using)
        for position, key, amount, products in figures:
            if key not in draft:
                names = zip(_AGING.layout.key, key, strict=True)
                empty = {"fees": 0, "products": 0, "first_position": position, "position": 0}
                draft.add(key, {**dict(names), **empty})
            row = draft.change(key, position)
            row["fees"] += amount
            row["products"] += products
        draft.save()

    def _parts(self) -> Iterator[tuple[int, Key, int, int]]:
        """Yield what is added to the sums in order of position: position, key, amount and number of products."""
        parts = [
            *((row, (row["business_date"], row["booking_date"]), row["amount"], 0) for row in self._fees),
            *((row, (row["after_date"], row["until_date"]), 0, 1) for row in self._owing),
        ]
        for row, dates, amount, products in sorted(parts, key=lambda part: int(part[0]["position"])):
            key = (*dates, row["due_date"], row["currency"], row["minor_digits"])
            yield row["position"], key, amount, products


def is_late(event: DatedEvent) -> bool:
    """Return whether a fee was booked after the date that it counts for."""
    return event.business_date is not None and (event.booking_date or "") > event.business_date


def split(periods: Iterable[Period], after: str, until: str) -> tuple[list[Period], list[Period]]:
    """Return the parts of periods that lie between two dates, and the parts that do not."""
    filled: list[Period] = []
    left: list[Period] = []
    for begin, end in periods:
        low, high = max(begin, after), min(end, until)
        if low >= high:
            left.append([begin, end])
            continue
        filled.append([low, high])
        left += [part for part in ([begin, low], [high, end]) if part[0] < part[1]]
    return filled, left


def end_settled(row: Row, booking_date: str | None) -> None:
    """Note in a product that owes again the period in which it was settled."""
    begin, end = row["settled_date"] or "", booking_date or ""
    if begin < end:
        row["settled_periods"] = json.dumps([*_periods(row), [begin, end]])


def _periods(row: Row) -> list[Period]:
    periods: list[Period] = json.loads(row["settled_periods"])
    return periods
