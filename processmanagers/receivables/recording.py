"""Records what the ledger lacks of a file: each date begins, late fees are charged, then its parts are recorded."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final
from uuid import UUID

from eventstore.errors import WrongExpectedVersion
from eventstore.records import Context, IdempotencyKey
from ledger import as_of, batches, daily_cycle
from ledger.batches import BatchRefused, Item
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
from ledger.rules.refusals.existence import AlreadyActive, AlreadyExists
from processmanagers.receivables import ids
from processmanagers.receivables.comparison import PAYER_ROLE, SELLER_ROLE
from processmanagers.receivables.file.faults import Fault
from processmanagers.receivables.invoices import Invoice, Settlement, Terms
from processmanagers.receivables.ledger_contents import ACTOR, INVOICE_DATE, SETTLED_DATE, LedgerContents
from processmanagers.receivables.plan import Day, Part

RECEIVABLES_PURCHASE: Final = 1
_PARTS_AT_ONCE: Final = 500


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
    """Records the missing parts in the order of their dates.

    # Note [Many parts share an append]
    A call of the database and a commit take longer than an event, so up to _PARTS_AT_ONCE parts of a date are decided
    in order, each on what the ones before it made, and recorded by one append. Each part keeps a correlation id and
    metadata of its own. The append lock is held for that one call. An interrupted append records nothing, and the
    next run does its parts again.
    """

    def __init__(self, terms: Terms, contents: LedgerContents, run_late_fees: Callable[[], None]) -> None:
        self.terms, self.summary = terms, Summary()
        self._run_late_fees = run_late_fees
        self._today = contents.calendar.last
        self._expected: dict[str, int] = {}
        self._companies, self._assets = set(contents.companies), set(contents.assets)
        self._deals = {uuid: event.type for uuid, event in contents.deals.items()}

    def record(self, days: Mapping[date, Day], show: Callable[[int, int], None]) -> None:
        """Record each date; call `show` after each append with the parts done and their total number."""
        done, total = 0, sum(len(day) for day in days.values())
        self._run_late_fees()
        for today, day in sorted(days.items()):
            self._begin(today)
            parts = iter(day)
            while some := list(islice(parts, _PARTS_AT_ONCE)):
                self._record_some(some)
                done += len(some)
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
        # Every append checks that this date is still the open one.
        self._expected = {as_of.SYSTEM_STREAM: last.version}

    def _record_some(self, parts: Sequence[Part]) -> None:
        """Record parts by one append, all or none; the error names the line of a part that is refused."""
        # See Note [Many parts share an append]
        items = [self._item(part) for part in parts]
        try:
            batches.execute(items, Context(ACTOR, ACTOR), atomic=True, expected=self._expected)
        except WrongExpectedVersion as conflict:
            if conflict.stream_id not in self._expected:
                raise
            raise DateNoLongerOpen(self._today) from conflict
        except BatchRefused as refused:
            part = parts[refused.index]
            raise RowRefused(Fault(part.line, part.column, str(refused.reason))) from refused

    def _item(self, part: Part) -> Item:
        """Return the commands that record a part, under a context of its own."""
        correlation_id = ids.correlation_id(self.terms.seller, part.invoice.number)
        context = Context(ACTOR, correlation_id, None, _metadata(part))
        if part.settlement is not None:
            self.summary.settlements += 1
            return self._settlement(part, part.settlement, context)
        self.summary.invoices += 1
        # Another import of the same file may be faster with some of it, and records the same.
        return Item(tuple(self._commands(part.invoice)), context=context, done=(AlreadyExists, AlreadyActive))

    def _settlement(self, part: Part, settlement: Settlement, context: Context) -> Item:
        number = part.invoice.number
        product_uuid = ids.product_uuid(self.terms.seller, number)
        payment = ApplyPayment(
            product_uuid=product_uuid,
            amount=settlement.amount,
            reference=number,
            currency=self.terms.currency,
        )
        # A payment has no uuid of its own. The key prevents that two imports at once apply it twice.
        what = f"{settlement.amount} on {settlement.settled_date}, number {part.ordinal}"
        key = IdempotencyKey(ACTOR, f"settlement of {product_uuid}: {what}", what)
        return Item((payment,), key, context)

    def _commands(self, invoice: Invoice) -> Iterator[Command]:
        """Yield the commands that record an invoice: its product, and its companies, deal and asset if they are new."""
        seller, number = self.terms.seller, invoice.number
        customer_uuid, asset_uuid = ids.customer_uuid(seller, invoice.customer), ids.asset_uuid(seller, number)
        yield from self._deal_with(invoice.customer)
        if asset_uuid not in self._assets:
            yield RegisterAsset(
                asset_uuid=asset_uuid,
                value=invoice.amount,
                sender_company_uuid=ids.seller_uuid(seller),
                receiver_company_uuid=customer_uuid,
                reference=number,
                currency=self.terms.currency,
            )
        yield OriginateProduct(
            product_uuid=ids.product_uuid(seller, number),
            deal_uuid=ids.deal_uuid(seller, invoice.customer),
            principal=invoice.amount,
            due_date=invoice.due_date,
            daily_late_fee_rate=self.terms.daily_late_fee_rate,
            late_fee_payer_role=PAYER_ROLE,
            reference=number,
            asset_uuid=asset_uuid,
            obligor_company_uuid=customer_uuid,
            currency=self.terms.currency,
        )

    def _deal_with(self, customer: str) -> Iterator[Command]:
        """Yield what is missing for an active deal with a customer."""
        seller = self.terms.seller
        seller_uuid, customer_uuid = ids.seller_uuid(seller), ids.customer_uuid(seller, customer)
        deal_uuid = ids.deal_uuid(seller, customer)
        yield from self._company(seller_uuid, seller)
        yield from self._company(customer_uuid, customer)
        if deal_uuid not in self._deals:
            companies = (DealCompany(seller_uuid, SELLER_ROLE), DealCompany(customer_uuid, PAYER_ROLE))
            yield CreateDeal(deal_uuid=deal_uuid, product_line_id=RECEIVABLES_PURCHASE, companies=companies)
            self._deals[deal_uuid] = "DealCreated"
            self.summary.deals += 1
        if self._deals[deal_uuid] == "DealCreated":
            yield ActivateDeal(deal_uuid=deal_uuid)
            self._deals[deal_uuid] = "DealActivated"

    def _company(self, company_uuid: UUID, name: str) -> Iterator[Command]:
        if company_uuid not in self._companies:
            yield RegisterCompany(company_uuid=company_uuid, name=name)
            self._companies.add(company_uuid)
            self.summary.companies += 1


def _metadata(part: Part) -> dict[str, str]:
    """Return the file's own date of a part that is recorded on a later one."""
    key = INVOICE_DATE if part.settlement is None else SETTLED_DATE
    return {key: part.date_in_file.isoformat()} if part.is_late else {}
