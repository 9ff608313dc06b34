"""Records a checked file of invoices: for each date the cycle, then its invoices, then its settlements."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from eventstore.errors import WrongExpectedVersion
from eventstore.records import IdempotencyKey
from ledger import as_of, handlers
from ledger import daily_cycle as cycle
from ledger.rules.commands import (
    ActivateDeal,
    ApplyPayment,
    Command,
    CreateDeal,
    OriginateProduct,
    RegisterAsset,
    RegisterCompany,
)
from ledger.rules.events import DealCompany
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.existence import AlreadyActive, AlreadyExists
from processmanagers.receivables import ids
from processmanagers.receivables.comparison import PAYER_ROLE, SELLER_ROLE
from processmanagers.receivables.invoices import Fault, Invoice, Terms
from processmanagers.receivables.ledger_contents import ACTOR, LedgerContents

RECEIVABLES_PURCHASE = 1
_ONE_DAY = timedelta(days=1)


class DateNoLongerOpen(Exception):
    """Another process began a later date. What is recorded stays; stop that process and run the import again."""

    def __init__(self, open_date: date | None) -> None:
        super().__init__(f"another process began another date while {open_date} was being recorded; stop daily_cycle")


class RowRefused(Exception):
    """A rule refused a row because the ledger changed during the import. What is recorded stays."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(slots=True)
class Summary:
    """What one run recorded, and what was recorded before it."""

    dates: int = 0
    companies: int = 0
    deals: int = 0
    invoices: int = 0
    settlements: int = 0
    invoices_passed_over: int = 0
    settlements_passed_over: int = 0


@dataclass(slots=True)
class Day:
    """The invoices and settlements of one business date that the ledger lacks."""

    invoices: list[Invoice] = field(default_factory=list)
    settlements: list[Invoice] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.invoices) + len(self.settlements)


def missing_by_date(
    invoices: Sequence[Invoice], terms: Terms, recorded: LedgerContents
) -> tuple[dict[date, Day], Summary]:
    """Return what each date still lacks, and a summary that counts what is recorded already."""
    days: dict[date, Day] = defaultdict(Day)
    summary = Summary()
    for invoice in invoices:
        product_uuid = ids.product_uuid(terms.seller, invoice.number)
        if product_uuid in recorded.products:
            summary.invoices_passed_over += 1
        else:
            days[invoice.invoice_date].invoices.append(invoice)
        if invoice.settled_date is None:
            continue
        if product_uuid in recorded.settlements:
            summary.settlements_passed_over += 1
        else:
            days[invoice.settled_date].settlements.append(invoice)
    return dict(days), summary


class Recorder:
    """Records the missing invoices and settlements, one command at a time, in the order of their dates."""

    def __init__(self, terms: Terms, recorded: LedgerContents, summary: Summary, correlation_id: str) -> None:
        self.terms, self.summary = terms, summary
        self._correlation_id = correlation_id
        self._last_cycled = recorded.calendar.last
        self._expected: dict[str, int] = {}
        self._companies, self._assets = set(recorded.companies), set(recorded.assets)
        self._deals = {uuid: event.type for uuid, event in recorded.deals.items()}

    def record(self, days: dict[date, Day], show: Callable[[int, int], None]) -> None:
        """Record each date, and call `show` after each with the parts done and their total number."""
        done, total = 0, sum(len(day) for day in days.values())
        for today in self._dates(days):
            self._begin(today)
            day = days.get(today, Day())
            for invoice in day.invoices:
                self._record_naming_line(invoice, "InvoiceDate", self._record_invoice)
            for invoice in day.settlements:
                self._record_naming_line(invoice, "SettledDate", self._record_settlement)
            done += len(day)
            show(done, total)

    def _dates(self, days: dict[date, Day]) -> Iterator[date]:
        # `_begin` of the first date also publishes the dates between the last one cycled and this one.
        first = min(days)
        for number in range((max(days) - first).days + 1):
            yield first + number * _ONE_DAY

    def _begin(self, today: date) -> None:
        if self._last_cycled is None or self._last_cycled < today:
            published = cycle.cycle(today, catch_up=True, actor=ACTOR)
            self.summary.dates += len(published)
        last = as_of.last_cycled()
        self._last_cycled = None if last is None else last.data.new_date
        if last is None or self._last_cycled != today:
            raise DateNoLongerOpen(today)
        # Every command checks that this date is still the open one.
        self._expected = {as_of.SYSTEM_STREAM: last.version}

    def _record_naming_line(self, invoice: Invoice, column: str, record: Callable[[Invoice], None]) -> None:
        try:
            record(invoice)
        except WrongExpectedVersion as conflict:
            if conflict.stream_id not in self._expected:
                raise
            raise DateNoLongerOpen(self._last_cycled) from conflict
        except Refusal as refusal:
            raise RowRefused(Fault(invoice.line, column, str(refusal))) from refusal

    def _record_invoice(self, invoice: Invoice) -> None:
        deal_uuid, customer_uuid = self._deal_with(invoice.customer)
        seller, number = self.terms.seller, invoice.number
        asset_uuid = ids.asset_uuid(seller, number)
        if asset_uuid not in self._assets:
            sender = ids.seller_uuid(seller)
            self._execute(
                RegisterAsset(
                    asset_uuid=asset_uuid,
                    value=invoice.amount,
                    sender_company_uuid=sender,
                    receiver_company_uuid=customer_uuid,
                    reference=number,
                    currency=self.terms.currency,
                )
            )
        self._execute(
            OriginateProduct(
                product_uuid=ids.product_uuid(seller, number),
                deal_uuid=deal_uuid,
                principal=invoice.amount,
                due_date=invoice.due_date,
                daily_late_fee_rate=self.terms.daily_late_fee_rate,
                late_fee_payer_role=PAYER_ROLE,
                reference=number,
                asset_uuid=asset_uuid,
                obligor_company_uuid=customer_uuid,
                currency=self.terms.currency,
            )
        )
        self.summary.invoices += 1

    def _record_settlement(self, invoice: Invoice) -> None:
        product_uuid = ids.product_uuid(self.terms.seller, invoice.number)
        # A payment has no uuid of its own. The key prevents that two imports at once apply it twice.
        key = IdempotencyKey(ACTOR, f"settlement of {product_uuid}", f"{invoice.amount} on {invoice.settled_date}")
        payment = ApplyPayment(
            product_uuid=product_uuid,
            amount=invoice.amount,
            reference=invoice.number,
            currency=self.terms.currency,
        )
        self._execute(payment, key)
        self.summary.settlements += 1

    def _deal_with(self, customer: str) -> tuple[UUID, UUID]:
        """Return the ids of the active deal with a customer and of the customer; create what is missing."""
        seller = self.terms.seller
        seller_uuid, customer_uuid = ids.seller_uuid(seller), ids.customer_uuid(seller, customer)
        deal_uuid = ids.deal_uuid(seller, customer)
        self._register(seller_uuid, seller)
        self._register(customer_uuid, customer)
        if deal_uuid not in self._deals:
            companies = (DealCompany(seller_uuid, SELLER_ROLE), DealCompany(customer_uuid, PAYER_ROLE))
            self._execute(CreateDeal(deal_uuid=deal_uuid, product_line_id=RECEIVABLES_PURCHASE, companies=companies))
            self._deals[deal_uuid] = "DealCreated"
            self.summary.deals += 1
        if self._deals[deal_uuid] == "DealCreated":
            self._execute(ActivateDeal(deal_uuid=deal_uuid))
            self._deals[deal_uuid] = "DealActivated"
        return deal_uuid, customer_uuid

    def _register(self, company_uuid: UUID, name: str) -> None:
        if company_uuid not in self._companies:
            self._execute(RegisterCompany(company_uuid=company_uuid, name=name))
            self._companies.add(company_uuid)
            self.summary.companies += 1

    def _execute(self, command: Command, key: IdempotencyKey | None = None) -> None:
        # Another import of the same file may have been faster. It recorded the same.
        with suppress(AlreadyExists, AlreadyActive):
            handlers.execute(
                command, actor=ACTOR, correlation_id=self._correlation_id, key=key, expected=self._expected
            )
