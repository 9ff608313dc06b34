"""Keeps what each customer owes, line by line, and what late fees add to dates that were over when they were recorded.

# Note [Sums of customers at any position]
Each event that changes what a customer owes makes a line, which has the customer's sums after it; so does each cycle
that makes something overdue. So the sums at a position are in the last line at or below it, found by one look into an
index for each customer, however long the log is. The sums of a date as known now are those at the position at which it
ended, plus the late recorded fees that count for it or for an earlier date.

# Note [Late recorded fees]
A fee counts for its own business date B. If it was recorded after that date had ended, on booking date R, the aging of
each date from the day after B to R was taken without it. As known now it belongs to them. Such fees are kept one by
one, and added up by B, R and due date, so that the aging of a date as known now is the aging as known then plus a few
sums. A product that was settled before the fee was recorded owes again from the date on which it was settled.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final, NamedTuple

from django.db.models import Count, Model

from eventstore.consumers.definitions import Projector
from eventstore.records import RecordedEvent
from projectors.events.dates import CYCLED, DatedEvent, dated
from projectors.events.payloads import digits, minor
from projectors.financial_products import FinancialProducts, change_of
from projectors.models import CustomerLine, CustomerSum, LateAging, LateRecordedFee, OwedProduct
from projectors.schema.sums import ExactSum
from projectors.tables.draft import Draft
from projectors.tables.layout import Key, Row
from projectors.tables.table import Table

_FIGURES: Final = (
    "products",
    "overdue_products",
    "principal",
    "fees",
    "owed",
    "overdue",
    "fees_incurred",
    "fees_paid",
    "fees_waived",
)
_OF_LINES: Final = tuple(name for name in _FIGURES if name != "principal")
_TERMS: Final = ("company_uuid", "currency", "minor_digits", "due_date")
_PRODUCTS = Table(
    OwedProduct,
    key=("product_uuid",),
    changing=("principal", "fees", "owes", "settled_date", "position"),
    reading=_TERMS,
)
_CUSTOMERS = Table(CustomerSum, key=("company_uuid", "currency", "minor_digits"), changing=(*_FIGURES, "position"))
LINES = Table(
    CustomerLine,
    key=("company_uuid", "currency", "minor_digits", "position"),
    reading=("product_uuid", "event_type", "business_date", "change", *_OF_LINES),
)
_FEES = Table(LateRecordedFee, key=("position",))
_AGING = Table(
    LateAging,
    key=("after_date", "booking_date", "due_date", "currency", "minor_digits"),
    changing=("fees", "products", "position"),
)


class Customers(Projector):
    """Projects sums and lines by customer and currency, and late recorded fees.

    See Note [Sums of customers at any position] and Note [Late recorded fees].
    """

    name: ClassVar[str] = "customers"
    types: ClassVar[tuple[str, ...]] = (*FinancialProducts.types, CYCLED)
    tables: ClassVar[tuple[type[Model], ...]] = (OwedProduct, CustomerSum, CustomerLine, LateRecordedFee, LateAging)

    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Fold the events between two cycles at a time: a cycle makes products overdue that have no event."""
        sums = _Sums(generation, using)
        fees: list[Row] = []
        between: list[DatedEvent] = []
        for event in dated(events):
            if event.event.type != CYCLED:
                between.append(event)
                continue
            fees += _fold(between, sums, generation, using)
            between = []
            sums.begin(event)
        fees += _fold(between, sums, generation, using)
        sums.save()
        _FEES.insert(fees, generation, using)
        _add_to_aging(fees, generation, using)


def _fold(events: Sequence[DatedEvent], sums: "_Sums", generation: int, using: str) -> list[Row]:
    """Change the products of events that are booked on one date; return the fees that were recorded late."""
    keyed = [((event.event.stream_id.partition("-")[2],), event) for event in events]
    draft = Draft(_PRODUCTS, {key for key, _ in keyed}, generation, using)
    late: list[Row] = []
    changes: list[tuple[Row, DatedEvent, _Change]] = []
    for key, event in keyed:
        if event.event.type == "ProductOriginated":
            row = draft.add(key, _originated(key[0], event))
            changes.append((row, event, _Change(products=1, principal=row["principal"])))
            continue
        row = draft.change(key, event.event.position)
        if event.event.type == "LateFeeIncurred" and _is_late(event):
            late.append(_late_fee(key[0], row, event))
        changes.append((row, event, _change(row, event)))
    sums.load([row for row, _, _ in changes])
    for row, event, change in changes:
        sums.add(row, event, change)
    draft.save()
    return late


class _Change(NamedTuple):
    """What an event adds to the figures of its product."""

    products: int = 0
    principal: int = 0
    fees: int = 0
    fees_incurred: int = 0
    fees_paid: int = 0
    fees_waived: int = 0


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
        "owes": True,
        "settled_date": None,
    }


def _change(row: Row, event: DatedEvent) -> _Change:
    """Change a product's row and return what has changed."""
    figures = change_of(event.event.type, event.payload)
    owed = row["owes"]
    row["principal"] += figures["principal_outstanding"]
    row["fees"] += figures["fees_outstanding"]
    row["owes"] = row["principal"] > 0 or row["fees"] > 0
    if owed and not row["owes"]:
        row["settled_date"] = event.booking_date
    return _Change(
        row["owes"] - owed,
        figures["principal_outstanding"],
        figures["fees_outstanding"],
        figures["fees_incurred"],
        figures["fees_paid"],
        figures["fees_waived"],
    )


def _is_late(event: DatedEvent) -> bool:
    return event.business_date is not None and (event.booking_date or "") > event.business_date


def _late_fee(product_uuid: str, row: Row, event: DatedEvent) -> Row:
    owing_after = None if row["owes"] else max(event.business_date or "", row["settled_date"] or "")
    return {
        "position": event.event.position,
        "product_uuid": product_uuid,
        **{column: row[column] for column in _TERMS},
        "business_date": event.business_date,
        "booking_date": event.booking_date,
        "amount": minor(event.payload["amount"]),
        "owing_after": owing_after,
    }


class _Sums:
    """The sums of the customers that a batch concerns."""

    def __init__(self, generation: int, using: str) -> None:
        self._generation, self._using = generation, using
        self._draft = Draft(_CUSTOMERS, set(), generation, using)
        self._lines: list[Row] = []

    def add(self, row: Row, event: DatedEvent, change: _Change) -> None:
        """Add what an event changed to the sums of its customer, and note its line."""
        total = self._row(row, event.event.position)
        is_overdue = event.booking_date is not None and row["due_date"] < event.booking_date
        owed = change.principal + change.fees
        total["products"] += change.products
        total["overdue_products"] += change.products if is_overdue else 0
        total["owed"] += owed
        total["overdue"] += owed if is_overdue else 0
        for name in ("principal", "fees", "fees_incurred", "fees_paid", "fees_waived"):
            total[name] += getattr(change, name)
        self._note(total, event, row["product_uuid"], owed)

    def begin(self, cycle: DatedEvent) -> None:
        """Add what becomes overdue as a date begins: what was due on the date before it or since."""
        today, before = cycle.business_date, cycle.booking_date
        due = OwedProduct.objects.using(self._using).filter(generation=self._generation, owes=True, due_date__lt=today)
        if before is not None:
            due = due.filter(due_date__gte=before)
        by_customer = due.values("company_uuid", "currency", "minor_digits").order_by()
        figures = by_customer.annotate(number=Count("id"), principals=ExactSum("principal"), all_fees=ExactSum("fees"))
        rows: list[Row] = [{**found, "company_uuid": str(found["company_uuid"])} for found in figures]
        self.load(rows)
        for row in rows:
            total = self._row(row, cycle.event.position)
            total["overdue_products"] += row["number"]
            total["overdue"] += row["principals"] + row["all_fees"]
            self._note(total, cycle, None, 0)

    def _note(self, total: Row, event: DatedEvent, product_uuid: str | None, change: int) -> None:
        line = {column: total[column] for column in (*_CUSTOMERS.layout.key, *_OF_LINES, "position")}
        of_event = {"event_type": event.event.type, "product_uuid": product_uuid, "change": change}
        self._lines.append({**line, **of_event, "business_date": event.business_date})

    def load(self, rows: Iterable[Row]) -> None:
        """Load the sums of customers that are not loaded yet."""
        self._draft.load({_customer(row) for row in rows})

    def _row(self, row: Row, position: int) -> Row:
        key = _customer(row)
        if key not in self._draft:
            names = zip(_CUSTOMERS.layout.key, key, strict=True)
            self._draft.add(key, {**dict(names), **dict.fromkeys(_FIGURES, 0), "position": position})
        return self._draft.change(key, position)

    def save(self) -> None:
        """Write the sums and the lines."""
        self._draft.save()
        LINES.insert(self._lines, self._generation, self._using)


def _customer(row: Row) -> Key:
    return tuple(row[column] for column in _CUSTOMERS.layout.key)


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
