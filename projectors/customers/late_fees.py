"""Keeps what late fees add to dates that were over when they were recorded.

# Note [Late recorded fees]
A fee counts for its own business date B. If it was recorded after that date had ended, on booking date R, the aging of
each date from the day after B to R was taken without it. As known now it belongs to them. Such fees are kept one by
one, and added up by B, R and due date, so that the aging of a date as known now is the aging as known then plus a few
sums. A product that was settled before the fee was recorded owes again from the date on which it was settled.
"""

from collections.abc import Iterable
from typing import Final

from projectors.events.dates import DatedEvent
from projectors.events.payloads import minor
from projectors.models import LateAging, LateRecordedFee
from projectors.tables.draft import Draft
from projectors.tables.layout import Key, Row
from projectors.tables.table import Table

TERMS: Final = ("company_uuid", "currency", "minor_digits", "due_date")
_FEES = Table(LateRecordedFee, key=("position",))
_AGING = Table(
    LateAging,
    key=("after_date", "booking_date", "due_date", "currency", "minor_digits"),
    changing=("fees", "products", "position"),
)


def add_late_fees(fees: list[Row], generation: int, using: str) -> None:
    """Write late recorded fees, and add them to the dates that lack them."""
    _FEES.insert(fees, generation, using)
    _add_to_aging(fees, generation, using)


def is_late(event: DatedEvent) -> bool:
    """Return whether a fee was booked after the date that it counts for."""
    return event.business_date is not None and (event.booking_date or "") > event.business_date


def late_fee(product_uuid: str, row: Row, event: DatedEvent) -> Row:
    """Return the row of a late recorded fee of a product."""
    owing_after = None if row["owes"] else max(event.business_date or "", row["settled_date"] or "")
    return {
        "position": event.event.position,
        "product_uuid": product_uuid,
        **{column: row[column] for column in TERMS},
        "business_date": event.business_date,
        "booking_date": event.booking_date,
        "amount": minor(event.payload["amount"]),
        "owing_after": owing_after,
    }


def _add_to_aging(fees: Iterable[Row], generation: int, using: str) -> None:
    figures = [(fee, *part) for fee in fees for part in _parts(fee)]
    draft = Draft(_AGING, {key for _, key, _, _ in figures}, generation, using)
    for fee, key, amount, products in figures:
        if key not in draft:
            names = zip(_AGING.layout.key, key, strict=True)
            empty = {"fees": 0, "products": 0, "first_position": fee["position"], "position": 0}
            draft.add(key, {**dict(names), **empty})
        row = draft.change(key, fee["position"])
        row["fees"] += amount
        row["products"] += products
    draft.save()


def _parts(fee: Row) -> Iterable[tuple[Key, int, int]]:
    """Return the rows to which a late fee belongs, with its amount and its number of products."""
    rest = (fee["booking_date"], fee["due_date"], fee["currency"], fee["minor_digits"])
    yield (fee["business_date"], *rest), fee["amount"], 0
    if fee["owing_after"] is not None and fee["owing_after"] < fee["booking_date"]:
        yield (fee["owing_after"], *rest), 0, 1
