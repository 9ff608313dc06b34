"""Keeps the sums of each customer, and a line for each event that changes them.

# Note [Sums of customers at any position]
Each event that changes what a customer owes makes a line, which has the customer's sums after it; so does each cycle
that makes something overdue. So the sums at a position are in the last line at or below it, found by one look into an
index for each customer, however long the log is. The sums of a date as known now are those at the position at which it
ended, plus the late recorded fees that count for it or for an earlier date.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from django.db.models import Count

from projectors.events.dates import DatedEvent
from projectors.models import CustomerLine, CustomerSum, OwedProduct
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
_KEY: Final = ("company_uuid", "currency", "minor_digits")
_OF_LINE: Final = (*_KEY, *_OF_LINES, "position")
_CUSTOMERS = Table(CustomerSum, key=_KEY, changing=(*_FIGURES, "position"))
LINES = Table(
    CustomerLine,
    key=("company_uuid", "currency", "minor_digits", "position"),
    reading=("product_uuid", "event_type", "business_date", "change", *_OF_LINES),
)


class Change(NamedTuple):
    """What an event adds to the figures of its product."""

    products: int = 0
    principal: int = 0
    fees: int = 0
    fees_incurred: int = 0
    fees_paid: int = 0
    fees_waived: int = 0


class Sums:
    """The sums of the customers that a batch concerns."""

    def __init__(self, generation: int, using: str) -> None:
        self._generation, self._using = generation, using
        self._draft = Draft(_CUSTOMERS, set(), generation, using)
        self._lines: list[Row] = []

    def add(self, row: Row, event: DatedEvent, change: Change) -> None:
        """Add what an event changed to the sums of its customer, and note its line."""
        total = self._row(row, event.event.position)
        is_overdue = event.booking_date is not None and row["due_date"] < event.booking_date
        owed = change.principal + change.fees
        total["products"] += change.products
        total["overdue_products"] += change.products if is_overdue else 0
        total["owed"] += owed
        total["overdue"] += owed if is_overdue else 0
        total["principal"] += change.principal
        total["fees"] += change.fees
        total["fees_incurred"] += change.fees_incurred
        total["fees_paid"] += change.fees_paid
        total["fees_waived"] += change.fees_waived
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
        line = {column: total[column] for column in _OF_LINE}
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
    return row["company_uuid"], row["currency"], row["minor_digits"]
