"""Made-up files of invoices for tests, and what the ledger must contain after their import."""

import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from uuid import UUID

from eventstore import store
from processmanagers.receivables import ids
from projectors.aging import bucket_of
from projectors.queries.aging import as_known_now
from projectors.queries.customer_sums import customer_sums, moment
from projectors.queries.trial_balance import trial_balance

HEADER = "customerID,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate,DaysLate"
FORM = "%d/%m/%Y"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file."""

    customer: str
    number: str
    invoice_date: date
    due_date: date
    amount: str
    settled_date: date | None

    @property
    def days_late(self) -> int:
        """How many days after its due date it was settled."""
        return 0 if self.settled_date is None else max(0, (self.settled_date - self.due_date).days)

    def text(self) -> str:
        """Return the line of the file."""
        settled, late = ("", "") if self.settled_date is None else (f"{self.settled_date:{FORM}}", str(self.days_late))
        dates = f"{self.invoice_date:{FORM}},{self.due_date:{FORM}}"
        return f"{self.customer},{self.number},{dates},{self.amount},No,{settled},{late}"


def made_up(count: int = 150, *, seed: int = 1, begin: date = date(2023, 12, 20)) -> list[Row]:
    """Return invoices of some customers over a few weeks; some stay open, some are settled on their first date."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        invoiced = begin + timedelta(days=chance.randint(0, 40) if number else 0)
        due = invoiced + timedelta(days=chance.choice((0, 5, 10)))
        settled = None if chance.random() < 0.1 else invoiced + timedelta(days=chance.randint(0, 20))
        amount = f"{chance.randint(20_00, 900_00) / 100:.2f}"
        rows.append(Row(f"C-{chance.randint(1, 12)}", f"{1000 + number}", invoiced, due, amount, settled))
    return rows


def content(rows: list[Row]) -> str:
    """Return the whole file."""
    return "\r\n".join((HEADER, *(row.text() for row in rows), ""))


def as_exported_on(day: date, rows: list[Row]) -> list[Row]:
    """Return the rows of an export on an earlier day: without later invoices, and without later settlements."""
    known = [row for row in rows if row.invoice_date <= day]
    return [replace(row, settled_date=None) if row.settled_date and row.settled_date > day else row for row in known]


def last_date(rows: list[Row]) -> date:
    """Return the last InvoiceDate or SettledDate."""
    return max(row.settled_date or row.invoice_date for row in rows)


def days_overdue(rows: list[Row]) -> dict[UUID, int]:
    """Return for each product with fees how many days it was overdue until it was settled, or until the last date."""
    end = last_date(rows)
    late = {
        ids.product_uuid("Seller", row.number): ((row.settled_date or end) - row.due_date).days
        for row in rows
        if (row.settled_date or end) > row.due_date
    }
    return {product: days for product, days in late.items() if days}


def assert_recorded(rows: list[Row]) -> None:
    """Check the log against the file: every date and invoice once, every product's fees exactly its days late."""
    first, last = min(row.invoice_date for row in rows), last_date(rows)
    dates = [event.data.new_date for event in store.read_all(types=["SystemCycled"])]
    assert dates[0] == first
    assert dates[-1] == last
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(dates))
    assert counted("AssetRegistered") == counted("ProductOriginated") == len(rows)
    assert counted("PaymentApplied") == sum(row.settled_date is not None for row in rows)
    customers = {row.customer for row in rows}
    assert counted("CompanyRegistered") == len(customers) + 1
    assert counted("DealActivated") == len(customers)
    assert [event.data.business_date for event in store.read_all(types=["LateFeesAssessed"])] == dates
    fees = Counter((event.uuid, event.data.business_date) for event in store.read_all(types=["LateFeeIncurred"]))
    assert set(fees.values()) <= {1}
    assert Counter(product for product, _ in fees) == days_overdue(rows)
    values = {ids.product_uuid("Seller", row.number): Decimal(row.amount) for row in rows}
    for event in store.read_all(types=["LateFeeIncurred"]):
        assert event.data.amount == round(values[event.uuid] * Decimal("0.001"), 2)


def counted(type_name: str) -> int:
    """Return how many events of a type there are."""
    return sum(1 for _ in store.read_all(types=[type_name]))


def assert_known_now(rows: list[Row]) -> None:
    """Check the reports of every date, as known now, against the file; a late run gives what a prompt one gives."""
    head = store.head().position
    for day in [event.data.new_date for event in store.read_all(types=["SystemCycled"])]:
        lines = as_known_now(day)
        assert {line.bucket: (line.principal, line.fees, line.products) for line in lines} == _aging(rows, day), day
        sums = {line.account: line.debit - line.credit for line in trial_balance(business_date=day)}
        end = day + timedelta(days=1)
        assert sums.get("fees_receivable", 0) == sum(_fees_before(row, end) for row in rows), day
        owed = sum(_principal_before(row, end) for row in rows)
        assert sums.get("principal_receivable", 0) == owed, day
        customers = {
            row.company_uuid: (row.products, row.owed, row.overdue, row.fees, row.fees_incurred)
            for row in customer_sums(moment(head, day))
        }
        assert customers == _customers(rows, day), day


def _customers(rows: list[Row], day: date) -> dict[UUID, tuple[int, ...]]:
    """Return invoices, what is owed and overdue, and fees outstanding and charged of each customer as a date ended."""
    customers: dict[UUID, tuple[int, ...]] = {}
    end = day + timedelta(days=1)
    for row in rows:
        if row.invoice_date <= day:
            principal, fees = _principal_before(row, end), _fees_before(row, end)
            owed = principal + fees
            added = (int(owed > 0), owed, owed if row.due_date < day else 0, fees, fees)
            uuid = ids.customer_uuid("Seller", row.customer)
            before = customers.get(uuid, (0,) * len(added))
            customers[uuid] = tuple(map(sum, zip(before, added, strict=True)))
    return customers


def _aging(rows: list[Row], day: date) -> dict[str, tuple[int, int, int]]:
    """Return what was owed as a date began: its own invoices, settlements and fees are not yet in it."""
    buckets: dict[str, tuple[int, int, int]] = {}
    for row in rows:
        principal, fees = _principal_before(row, day), _fees_before(row, day)
        if principal or fees:
            bucket = bucket_of(row.due_date, day)
            before = buckets.get(bucket, (0, 0, 0))
            buckets[bucket] = (before[0] + principal, before[1] + fees, before[2] + 1)
    return buckets


def _principal_before(row: Row, day: date) -> int:
    settled = row.settled_date is not None and row.settled_date < day
    return _cents(row.amount) if row.invoice_date < day and not settled else 0


def _fees_before(row: Row, day: date) -> int:
    """Return the fees of the dates before one: from the date after the due date to that of the settlement."""
    last = min(row.settled_date or date.max, day - timedelta(days=1))
    days = max(0, (last - row.due_date).days)
    return days * _daily_fee(row.amount)


@cache
def _cents(amount: str) -> int:
    return int(Decimal(amount) * 100)


@cache
def _daily_fee(amount: str) -> int:
    """Return the late fee of a day in cents."""
    return int(round(Decimal(amount) * Decimal("0.001"), 2) * 100)
