"""Compares a file of invoices with the ledger: what is recorded must agree, the rest must still be possible."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from eventstore.records import RecordedEvent
from ledger.rules.texts import identity
from processmanagers.receivables import ids
from processmanagers.receivables.file.faults import Fault
from processmanagers.receivables.invoices import Invoice, Settlement, Terms
from processmanagers.receivables.ledger_contents import INVOICE_DATE, SETTLED_DATE, LedgerContents, Payments
from processmanagers.receivables.plan import Part, Plan

PAYER_ROLE = "debtor"
SELLER_ROLE = "seller"


@dataclass(frozen=True, slots=True)
class Comparer:
    """Compares invoices with the ledger. `record_late` allows invoices of dates that have ended."""

    terms: Terms
    contents: LedgerContents
    record_late: bool = False

    def compare(self, invoices: Sequence[Invoice]) -> tuple[Plan, tuple[Fault, ...]]:
        """Return what is to be recorded, and a fault for each value that differs or can no longer be recorded."""
        plan = Plan()
        faults = [fault for invoice in invoices for fault in _Row(invoice, self, plan).faults()]
        return plan, tuple(sorted(faults))

    def open_date(self, day: date) -> date:
        """Return the date on which something of this date is to be recorded: itself, or the last date cycled."""
        last = self.contents.calendar.last
        return day if last is None else max(day, last)


class _Row:
    """One invoice of the file, and what the ledger contains of it."""

    def __init__(self, invoice: Invoice, comparer: Comparer, plan: Plan) -> None:
        self.invoice, self.comparer, self.plan = invoice, comparer, plan
        self.terms, self.contents = comparer.terms, comparer.contents
        self.asset_uuid = ids.asset_uuid(self.terms.seller, invoice.number)
        self.product_uuid = ids.product_uuid(self.terms.seller, invoice.number)
        self.deal_uuid = ids.deal_uuid(self.terms.seller, invoice.customer)

    def faults(self) -> Iterator[Fault]:
        asset = self.contents.assets.get(self.asset_uuid)
        if asset is not None:
            yield from self._asset_faults(asset)
        originated = self.contents.products.get(self.product_uuid)
        if originated is None:
            yield from self._missing_invoice_faults()
        else:
            self.plan.recorded_invoices += 1
            yield from self._product_faults(originated)
            yield from _Settlements(self).faults(self.contents.payments(self.product_uuid))

    def fault(self, column: str, text: str, line: int | None = None) -> Fault:
        return Fault(self.invoice.line if line is None else line, column, text)

    def differs(self, column: str, here: object, there: object, line: int | None = None) -> Iterator[Fault]:
        if here != there:
            yield self.fault(column, f"the file says {here}, and the ledger {there}", line)

    def add(self, settlement: Settlement | None, ordinal: int = 1) -> None:
        """Plan to record the invoice, or one of its settlements."""
        in_file = self.invoice.invoice_date if settlement is None else settlement.settled_date
        part = Part(self.invoice, settlement, self.comparer.open_date(in_file), ordinal)
        self.plan.parts.append(part)
        if part.is_late:
            what = "invoice" if settlement is None else "settlement"
            note = f"the {what} of {in_file} is recorded on {part.recorded_on}, the last date cycled"
            self.plan.notes.append((part.line, note))

    def _asset_faults(self, event: RecordedEvent) -> Iterator[Fault]:
        asset, currency = event.data, self.terms.currency
        yield from self.differs("InvoiceAmount", f"{self.invoice.amount} {currency}", f"{asset.value} {asset.currency}")
        known = self._company_name(asset.receiver_company_uuid)
        if identity(self.invoice.customer) != identity(known):
            yield from self.differs("customerID", self.invoice.customer, known)

    def _product_faults(self, event: RecordedEvent) -> Iterator[Fault]:
        originated = event.data
        yield from self.differs("DueDate", self.invoice.due_date, originated.due_date)
        recorded = self.contents.calendar.date_in_file(event, INVOICE_DATE)
        yield from self.differs("InvoiceDate", self.invoice.invoice_date, recorded)
        rate, recorded_rate = self.terms.daily_late_fee_rate, originated.daily_late_fee_rate
        if rate != recorded_rate:
            yield self.fault("", f"the late-fee rate is {rate}, and in the ledger {recorded_rate}")

    def _missing_invoice_faults(self) -> Iterator[Fault]:
        last, day = self.contents.calendar.last, self.invoice.invoice_date
        if last is not None and day < last and not self.comparer.record_late:
            text = f"the invoice of {day} is not in the ledger, which is at {last} already"
            yield Fault(self.invoice.line, "InvoiceDate", text, "--record-late records it on the last date cycled")
        deal = self.contents.deals.get(self.deal_uuid)
        if deal is not None and deal.type in {"DealUpdated", "DealDeleted"}:
            done = "deleted" if deal.type == "DealDeleted" else "updated and not activated again"
            yield self.fault("customerID", f"deal {self.deal_uuid} with the customer was {done}, at {deal.position}")
        self.add(None)
        for settlement, ordinal in numbered(self.invoice.settlements):
            self.add(settlement, ordinal)

    def _company_name(self, company_uuid: UUID) -> str:
        registered = self.contents.companies.get(company_uuid)
        return str(company_uuid) if registered is None else registered.data.name


class _Settlements:
    """The settlements of one invoice that the ledger contains, beside those of the file."""

    def __init__(self, row: _Row) -> None:
        self.row, self.calendar = row, row.contents.calendar

    def faults(self, payments: Payments) -> Iterator[Fault]:
        recorded = [(self.calendar.date_in_file(event, SETTLED_DATE), event) for event in payments.imported]
        missing: list[tuple[Settlement, int]] = []
        for settlement, ordinal in numbered(self.row.invoice.settlements):
            found = next((pair for pair in recorded if _agrees(settlement, *pair)), None)
            if found is None:
                missing.append((settlement, ordinal))
            else:
                recorded.remove(found)
                self.row.plan.recorded_settlements += 1
        for (day, event), (settlement, _) in zip(recorded, missing, strict=False):
            line = settlement.line
            yield from self.row.differs("SettledDate", settlement.settled_date, day, line)
            if not settlement.whole:
                yield from self.row.differs("PaidAmount", settlement.amount, event.data.amount, line)
        for day, _ in recorded[len(missing) :]:
            here = "nothing more" if self.row.invoice.settlements else "that it is open"
            yield from self.row.differs("SettledDate", here, day)
        yield from self._missing_faults(missing[len(recorded) :], payments)

    def _missing_faults(self, missing: list[tuple[Settlement, int]], payments: Payments) -> Iterator[Fault]:
        owed, by_hand = payments.owed, {event.position: event.data.to_principal for event in payments.by_hand}
        for settlement, ordinal in missing:
            covering = _covering(settlement.amount, owed, by_hand)
            if covering:
                for position in covering:
                    del by_hand[position]
                self._pass_over(settlement, covering)
            elif settlement.amount <= owed:
                owed -= settlement.amount
                self.row.add(settlement, ordinal)
            else:
                last = self.row.contents.principals[self.row.product_uuid].position
                text = f"the invoice cannot be settled: of its principal {owed} is left since position {last}"
                yield self.row.fault("SettledDate", text, settlement.line)

    def _pass_over(self, settlement: Settlement, covering: list[int]) -> None:
        positions = " and ".join(str(position) for position in covering)
        note = f"the settlement of {settlement.settled_date} is passed over: paid by hand at position {positions}"
        self.row.plan.notes.append((settlement.line, note))
        self.row.plan.recorded_settlements += 1


def numbered(settlements: Sequence[Settlement]) -> Iterator[tuple[Settlement, int]]:
    """Yield each settlement with its number among those of the same date and amount."""
    seen: Counter[tuple[date, Decimal]] = Counter()
    for settlement in settlements:
        key = (settlement.settled_date, settlement.amount)
        seen[key] += 1
        yield settlement, seen[key]


def _agrees(settlement: Settlement, day: date | None, event: RecordedEvent) -> bool:
    """Return whether a recorded payment is this settlement. The amount of a whole one is checked with the asset."""
    return settlement.settled_date == day and (settlement.whole or settlement.amount == event.data.amount)


def _covering(amount: Decimal, owed: Decimal, by_hand: dict[int, Decimal]) -> list[int]:
    """Return the positions of the payments by hand that cover a settlement; none if it is still to be recorded."""
    same = next((position for position, paid in by_hand.items() if paid == amount), None)
    if same is not None:
        return [same]
    if amount > owed and sum(by_hand.values()) >= amount:
        return list(by_hand)
    return []
