"""Keeps what each customer owes, product by product and in all, and what late fees add to dates that were over.

# Note [Lists of invoices are read in order]
A product's row has what it owes and its status, with an index for each order of the list of invoices. Totals of the
list come from the sums by due date, of which there are at most a few thousand for each currency.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from django.db.models import Model

from eventstore.consumers.definitions import Projector
from eventstore.records import RecordedEvent
from projectors.customers.due_sums import DueSums
from projectors.customers.late_fees import TERMS, LateFees, end_settled, is_late
from projectors.customers.rankings import Rankings
from projectors.customers.sums import Change, Sums
from projectors.events.dates import CYCLED, DatedEvent, dated
from projectors.events.payloads import digits, minor
from projectors.financial_products import FinancialProducts, change_of
from projectors.models import (
    CustomerLine,
    CustomerRanking,
    CustomerSum,
    DueSum,
    FinancialProduct,
    LateAging,
    LateOwing,
    LateRecordedFee,
    OwedProduct,
)
from projectors.tables.draft import Draft
from projectors.tables.layout import Row
from projectors.tables.table import Table

_GIVE_UP: Final = frozenset({"ProductWrittenOff", "WriteOffReversed"})
_OPEN, _PAID, _WRITTEN_OFF = (str(status) for status in FinancialProduct.Status)
_PRODUCTS = Table(
    OwedProduct,
    key=("product_uuid",),
    changing=("principal", "fees", "owed", "given_up", "owes", "status", "settled_date", "settled_periods", "position"),
    reading=TERMS,
)


class Customers(Projector):
    """Projects sums and lines by customer and currency, and late recorded fees.

    See Note [Sums of customers at any position] and Note [Late recorded fees].
    """

    name: ClassVar[str] = "customers"
    types: ClassVar[tuple[str, ...]] = (*FinancialProducts.types, CYCLED)
    tables: ClassVar[tuple[type[Model], ...]] = (
        OwedProduct,
        CustomerSum,
        CustomerLine,
        CustomerRanking,
        DueSum,
        LateRecordedFee,
        LateOwing,
        LateAging,
    )

    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Fold the events between two cycles at a time: a cycle makes products overdue that have no event."""
        sums, late = Sums(generation, using), LateFees(generation, using)
        rankings = Rankings(generation, using)
        between: list[DatedEvent] = []
        for event in dated(events):
            place = rankings.place_before(event.event.position)
            if event.event.type == CYCLED or place is not None:
                _fold(between, sums, late, generation, using)
                between = []
            if place is not None:
                sums.save()
                rankings.keep(place)
                sums = Sums(generation, using)
            if event.event.type == CYCLED:
                sums.begin(event)
            else:
                between.append(event)
        _fold(between, sums, late, generation, using)
        sums.save()
        late.save()


def _fold(events: Sequence[DatedEvent], sums: Sums, late: LateFees, generation: int, using: str) -> None:
    """Change the products of events that are booked on one date."""
    keyed = [((event.event.stream_id.partition("-")[2],), event) for event in events]
    draft = Draft(_PRODUCTS, {key for key, _ in keyed}, generation, using)
    changes: list[tuple[Row, DatedEvent, Change]] = []
    due = DueSums()
    for key, event in keyed:
        if event.event.type == "ProductOriginated":
            row = draft.add(key, _originated(key[0], event))
            due.add(row, 1)
            changes.append((row, event, Change(products=1, principal=row["principal"])))
            continue
        row = draft.change(key, event.event.position)
        due.add(row, -1)
        changes.append((row, event, _change(row, event)))
        if event.event.type == "LateFeeIncurred" and is_late(event):
            late.add(row, event)
        due.add(row, 1)
    sums.load([row for row, _, _ in changes])
    for row, event, change in changes:
        sums.add(row, event, change)
    due.save(generation, using)
    draft.save()


def _originated(product_uuid: str, event: DatedEvent) -> Row:
    payload = event.payload
    return {
        "position": event.event.position,
        "product_uuid": product_uuid,
        "company_uuid": payload["obligor_company_uuid"],
        "currency": payload["currency"],
        "minor_digits": digits(payload["principal"]),
        "due_date": payload["due_date"],
        "principal": minor(payload["principal"]),
        "fees": 0,
        "owed": minor(payload["principal"]),
        "given_up": 0,
        "owes": True,
        "status": _OPEN,
        "originated_position": event.event.position,
        "settled_date": None,
        "settled_periods": "[]",
    }


def _change(row: Row, event: DatedEvent) -> Change:
    """Change a product's row and return what has changed."""
    figures = change_of(event.event.type, event.payload)
    owed = row["owes"]
    row["principal"] += figures["principal_outstanding"]
    row["fees"] += figures["fees_outstanding"]
    row["owed"] = row["principal"] + row["fees"]
    row["owes"] = row["owed"] > 0
    if event.event.type in _GIVE_UP:
        # A write-off, or its reversal, changes nothing but what is outstanding.
        row["given_up"] -= figures["principal_outstanding"] + figures["fees_outstanding"]
    row["status"] = _status(row)
    if owed and not row["owes"]:
        row["settled_date"] = event.booking_date
    if row["owes"] and not owed:
        end_settled(row, event.booking_date)
    return Change(
        row["owes"] - owed,
        figures["principal_outstanding"],
        figures["fees_outstanding"],
        figures["fees_incurred"],
        figures["fees_paid"],
        figures["fees_waived"],
    )


def _status(row: Row) -> str:
    if row["principal"] > 0:
        return _OPEN
    if row["given_up"] > 0:
        return _WRITTEN_OFF
    return _OPEN if row["fees"] > 0 else _PAID
