"""Compares a file of invoices with the ledger: what is recorded must agree, what is missing must still be possible."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import reduce
from uuid import UUID

from eventstore import store
from eventstore.records import RecordedEvent
from ledger.rules.aggregates import product
from ledger.rules.facts import stream_id
from ledger.rules.texts import identity
from processmanagers.receivables import ids
from processmanagers.receivables.invoices import Fault, Invoice, Terms
from processmanagers.receivables.ledger_contents import LedgerContents

PAYER_ROLE = "debtor"
SELLER_ROLE = "seller"


def disagreements(invoices: Sequence[Invoice], terms: Terms, recorded: LedgerContents) -> tuple[Fault, ...]:
    """Return a fault for each value that differs from the ledger and each part that can no longer be recorded."""
    return tuple(fault for invoice in invoices for fault in _Row(invoice, terms, recorded).faults())


class _Row:
    """One invoice of the file, and what the ledger contains of it."""

    def __init__(self, invoice: Invoice, terms: Terms, recorded: LedgerContents) -> None:
        self.invoice, self.terms, self.recorded = invoice, terms, recorded
        self.asset_uuid = ids.asset_uuid(terms.seller, invoice.number)
        self.product_uuid = ids.product_uuid(terms.seller, invoice.number)
        self.deal_uuid = ids.deal_uuid(terms.seller, invoice.customer)

    def faults(self) -> Iterator[Fault]:
        asset = self.recorded.assets.get(self.asset_uuid)
        if asset is not None:
            yield from self._asset_faults(asset)
        product_event = self.recorded.products.get(self.product_uuid)
        if product_event is None:
            yield from self._missing_invoice_faults()
        else:
            yield from self._product_faults(product_event)
        settlement = self.recorded.settlements.get(self.product_uuid)
        if settlement is not None:
            yield from self._settlement_faults(settlement)
        elif self.invoice.settled_date is not None:
            yield from self._missing_settlement_faults(self.invoice.settled_date)

    def _fault(self, column: str, text: str) -> Fault:
        return Fault(self.invoice.line, column, text)

    def _differs(self, column: str, here: object, there: object) -> Iterator[Fault]:
        if here != there:
            yield self._fault(column, f"the file says {here}, and the ledger {there}")

    def _asset_faults(self, event: RecordedEvent) -> Iterator[Fault]:
        asset = event.data
        yield from self._differs("InvoiceAmount", self._money(self.invoice.amount), f"{asset.value} {asset.currency}")
        customer, known = self.invoice.customer, self._company_name(asset.receiver_company_uuid)
        if identity(customer) != identity(known):
            yield from self._differs("customerID", customer, known)

    def _product_faults(self, event: RecordedEvent) -> Iterator[Fault]:
        originated = event.data
        yield from self._differs("DueDate", self.invoice.due_date, originated.due_date)
        booked = self.recorded.calendar.booking_date(event.position)
        yield from self._differs("InvoiceDate", self.invoice.invoice_date, booked)
        rate, recorded_rate = self.terms.daily_late_fee_rate, originated.daily_late_fee_rate
        if rate != recorded_rate:
            yield self._fault("", f"the late-fee rate is {rate}, and in the ledger {recorded_rate}")

    def _settlement_faults(self, event: RecordedEvent) -> Iterator[Fault]:
        booked = self.recorded.calendar.booking_date(event.position)
        yield from self._differs("SettledDate", self.invoice.settled_date or "that it is open", booked)

    def _missing_invoice_faults(self) -> Iterator[Fault]:
        yield from self._closed("InvoiceDate", self.invoice.invoice_date, "the invoice")
        deal = self.recorded.deals.get(self.deal_uuid)
        if deal is not None and deal.type in ("DealUpdated", "DealDeleted"):
            done = "deleted" if deal.type == "DealDeleted" else "updated and not activated anew"
            yield self._fault("customerID", f"deal {self.deal_uuid} with the customer was {done}, at {deal.position}")

    def _missing_settlement_faults(self, settled_date: date) -> Iterator[Fault]:
        yield from self._closed("SettledDate", settled_date, "the settlement")
        last = self.recorded.principals.get(self.product_uuid)
        if last is not None:
            owed = _principal_outstanding(self.product_uuid, self.recorded.head)
            if owed != self.invoice.amount:
                text = f"the invoice cannot be settled: of its principal {owed} is left since position {last.position}"
                yield self._fault("SettledDate", text)

    def _closed(self, column: str, day: date, part: str) -> Iterator[Fault]:
        last = self.recorded.calendar.last
        if last is not None and day < last:
            yield self._fault(column, f"{part} of {day} is not in the ledger, which is at {last} already")

    def _money(self, amount: Decimal) -> str:
        return f"{amount} {self.terms.currency}"

    def _company_name(self, company_uuid: UUID) -> str:
        registered = self.recorded.companies.get(company_uuid)
        return str(company_uuid) if registered is None else registered.data.name


def _principal_outstanding(product_uuid: UUID, head: int) -> Decimal:
    events = store.read_stream(stream_id("product", product_uuid), up_to=head)
    state = reduce(product.evolve, (event.data for event in events), product.INITIAL)
    return state.principal_outstanding
