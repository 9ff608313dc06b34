"""Records what the ledger lacks of a file: each date begins, late fees are charged, then its parts are recorded."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from eventstore.errors import WrongExpectedVersion
from eventstore.records import IdempotencyKey
from ledger import as_of, daily_cycle, handlers
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
from processmanagers.receivables.faults import Fault
from processmanagers.receivables.invoices import Invoice, Settlement, Terms
from processmanagers.receivables.ledger_contents import ACTOR, INVOICE_DATE, SETTLED_DATE, LedgerContents
from processmanagers.receivables.plan import Day, Part

RECEIVABLES_PURCHASE = 1


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
    """What one run recorded."""

    dates: int = 0
    companies: int = 0
    deals: int = 0
    invoices: int = 0
    settlements: int = 0


class Recorder:
    """Records the missing parts, one command at a time, in the order of their dates."""

    def __init__(self, terms: Terms, contents: LedgerContents, run_late_fees: Callable[[], None]) -> None:
        self.terms, self.summary = terms, Summary()
        self._run_late_fees = run_late_fees
        self._today = contents.calendar.last
        self._expected: dict[str, int] = {}
        self._companies, self._assets = set(contents.companies), set(contents.assets)
        self._deals = {uuid: event.type for uuid, event in contents.deals.items()}

    def record(self, days: Mapping[date, Day], show: Callable[[int, int], None]) -> None:
        """Record each date, and call `show` after each with the parts done and their total number."""
        done, total = 0, sum(len(day) for day in days.values())
        self._run_late_fees()
        for today, day in sorted(days.items()):
            self._begin(today)
            for part in day:
                self._record_naming_line(part)
            done += len(day)
            show(done, total)

    def _begin(self, today: date) -> None:
        """Publish every date up to this one, and charge the fees of each before anything of it is recorded."""
        # The check of the file has asked about gaps: see date_gaps.py.
        for _ in daily_cycle.published(today, catch_up=True, actor=ACTOR):
            self.summary.dates += 1
            self._run_late_fees()
        last = as_of.last_cycled()
        if last is None or last.data.new_date != today:
            raise DateNoLongerOpen(today)
        self._today = today
        # Every command checks that this date is still the open one.
        self._expected = {as_of.SYSTEM_STREAM: last.version}

    def _record_naming_line(self, part: Part) -> None:
        try:
            if part.settlement is None:
                self._record_invoice(part.invoice, _metadata(part, INVOICE_DATE))
            else:
                self._record_settlement(part, part.settlement)
        except WrongExpectedVersion as conflict:
            if conflict.stream_id not in self._expected:
                raise
            raise DateNoLongerOpen(self._today) from conflict
        except Refusal as refusal:
            raise RowRefused(Fault(part.line, part.column, str(refusal))) from refusal

    def _record_invoice(self, invoice: Invoice, metadata: Mapping[str, Any]) -> None:
        correlation_id = ids.correlation_id(self.terms.seller, invoice.number)
        deal_uuid, customer_uuid = self._deal_with(invoice.customer, correlation_id)
        seller, number = self.terms.seller, invoice.number
        asset_uuid = ids.asset_uuid(seller, number)
        if asset_uuid not in self._assets:
            register = RegisterAsset(
                asset_uuid=asset_uuid,
                value=invoice.amount,
                sender_company_uuid=ids.seller_uuid(seller),
                receiver_company_uuid=customer_uuid,
                reference=number,
                currency=self.terms.currency,
            )
            self._execute(register, correlation_id, metadata)
        originate = OriginateProduct(
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
        self._execute(originate, correlation_id, metadata)
        self.summary.invoices += 1

    def _record_settlement(self, part: Part, settlement: Settlement) -> None:
        seller, number = self.terms.seller, part.invoice.number
        product_uuid = ids.product_uuid(seller, number)
        payment = ApplyPayment(
            product_uuid=product_uuid,
            amount=settlement.amount,
            reference=number,
            currency=self.terms.currency,
        )
        # A payment has no uuid of its own. The key prevents that two imports at once apply it twice.
        what = f"{settlement.amount} on {settlement.settled_date}, number {part.ordinal}"
        key = IdempotencyKey(ACTOR, f"settlement of {product_uuid}: {what}", what)
        self._execute(payment, ids.correlation_id(seller, number), _metadata(part, SETTLED_DATE), key)
        self.summary.settlements += 1

    def _deal_with(self, customer: str, correlation_id: str) -> tuple[UUID, UUID]:
        """Return the ids of the active deal with a customer and of the customer; create what is missing."""
        seller = self.terms.seller
        seller_uuid, customer_uuid = ids.seller_uuid(seller), ids.customer_uuid(seller, customer)
        deal_uuid = ids.deal_uuid(seller, customer)
        self._register(seller_uuid, seller, correlation_id)
        self._register(customer_uuid, customer, correlation_id)
        if deal_uuid not in self._deals:
            companies = (DealCompany(seller_uuid, SELLER_ROLE), DealCompany(customer_uuid, PAYER_ROLE))
            create = CreateDeal(deal_uuid=deal_uuid, product_line_id=RECEIVABLES_PURCHASE, companies=companies)
            self._execute(create, correlation_id)
            self._deals[deal_uuid] = "DealCreated"
            self.summary.deals += 1
        if self._deals[deal_uuid] == "DealCreated":
            self._execute(ActivateDeal(deal_uuid=deal_uuid), correlation_id)
            self._deals[deal_uuid] = "DealActivated"
        return deal_uuid, customer_uuid

    def _register(self, company_uuid: UUID, name: str, correlation_id: str) -> None:
        if company_uuid not in self._companies:
            self._execute(RegisterCompany(company_uuid=company_uuid, name=name), correlation_id)
            self._companies.add(company_uuid)
            self.summary.companies += 1

    def _execute(
        self,
        command: Command,
        correlation_id: str,
        metadata: Mapping[str, Any] | None = None,
        key: IdempotencyKey | None = None,
    ) -> None:
        # Another import of the same file may have been faster. It recorded the same.
        with suppress(AlreadyExists, AlreadyActive):
            handlers.execute(
                command,
                actor=ACTOR,
                correlation_id=correlation_id,
                metadata=metadata,
                key=key,
                expected=self._expected,
            )


def _metadata(part: Part, key: str) -> dict[str, str]:
    """Return the file's own date of a part that is recorded on a later one."""
    return {key: part.date_in_file.isoformat()} if part.is_late else {}
