"""A product: the principal that a company owes under a deal, its late fees and its payments."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, assert_never
from uuid import UUID

from ledger.rules import guards, money, texts
from ledger.rules.aggregates import corrections, origination
from ledger.rules.commands import (
    ApplyPayment,
    OriginateProduct,
    ProductCommand,
    RecordRecovery,
    WaiveLateFee,
    WriteOffProduct,
)
from ledger.rules.events import (
    DealCompany,
    LateFeeIncurred,
    LateFeeNotAssessed,
    LateFeeReversed,
    LateFeeWaived,
    PaymentApplied,
    PaymentReversed,
    ProductEvent,
    ProductOriginated,
    ProductReversal,
    ProductWrittenOff,
    RecoveryRecorded,
    RecoveryReversed,
    WaiverReversed,
    WriteOffReversed,
)
from ledger.rules.facts import Facts
from ledger.rules.refusals.products import (
    NothingOwed,
    PaymentExceedsOutstanding,
    ProductIsWrittenOff,
    ProductNotWrittenOff,
    WaiverExceedsFees,
)
from ledger.rules.replacing import replace

Status = Literal["open", "paid", "written_off"]


@dataclass(frozen=True, slots=True)
class Product:
    """A product: its terms as originated, and what is outstanding, paid and waived.

    Its status is `open` if principal is outstanding, otherwise `written_off` after a write-off, otherwise `paid` if no
    fees are outstanding, otherwise `open`: a later fee or a reversed payment opens it again.

    What is written off is neither outstanding nor paid nor waived. A written-off product can owe fees again, namely one
    of a date before the write-off that is assessed after it; they can be waived or written off.
    """

    exists: bool = False
    deal_uuid: UUID | None = None
    asset_uuid: UUID | None = None
    obligor_company_uuid: UUID | None = None
    principal: Decimal = Decimal(0)
    currency: str | None = None
    due_date: date | None = None
    daily_late_fee_rate: Decimal = Decimal(0)
    late_fee_payer_role: str = ""
    companies: tuple[DealCompany, ...] = ()
    reference: str = ""
    principal_outstanding: Decimal = Decimal(0)
    principal_paid: Decimal = Decimal(0)
    fees_incurred: Decimal = Decimal(0)
    fees_paid: Decimal = Decimal(0)
    fees_waived: Decimal = Decimal(0)
    fees_outstanding: Decimal = Decimal(0)
    recovered: Decimal = Decimal(0)
    reversed: frozenset[int] = frozenset()

    @property
    def status(self) -> Status:
        """One of open, paid and written_off."""
        if self.principal_outstanding:
            return "open"
        if self.written_off:
            return "written_off"
        return "open" if self.fees_outstanding else "paid"

    @property
    def principal_written_off(self) -> Decimal:
        """The principal that is neither outstanding nor paid."""
        return self.principal - self.principal_paid - self.principal_outstanding

    @property
    def fees_written_off(self) -> Decimal:
        """The fees that are neither outstanding nor paid nor waived."""
        return self.fees_incurred - self.fees_paid - self.fees_waived - self.fees_outstanding

    @property
    def written_off(self) -> Decimal:
        """Principal and fees that are written off."""
        return self.principal_written_off + self.fees_written_off


INITIAL = Product()


def decide(state: Product, command: ProductCommand, facts: Facts) -> tuple[ProductEvent, ...]:
    """Return the events of the command, or raise the refusal of the first broken rule."""
    match command:
        case OriginateProduct():
            return (origination.originate(state, command, facts),)
        case ApplyPayment():
            return (_pay(state, command, facts),)
        case WaiveLateFee():
            return (_waive(state, command, facts),)
        case WriteOffProduct():
            return (_write_off(state, command),)
        case RecordRecovery():
            return (_recover(state, command, facts),)
        case _:
            return (corrections.reverse(state, command, facts),)


def evolve(state: Product, event: ProductEvent) -> Product:
    """Return the product after the event."""
    match event:
        case ProductOriginated():
            return _originated(event)
        case PaymentApplied(_, to_principal, to_fees):
            return _paid(state, to_principal, to_fees)
        case LateFeeIncurred(fee):
            return _charged(state, fee)
        case LateFeeNotAssessed():
            return state
        case LateFeeWaived(fee):
            return _waived(state, fee)
        case ProductWrittenOff(principal, fees):
            return _given_up(state, principal, fees)
        case RecoveryRecorded(amount):
            return replace(state, recovered=state.recovered + amount)
        case _:
            return _reversed(state, event)


def _reversed(state: Product, event: ProductReversal) -> Product:
    state = replace(state, reversed=state.reversed | {event.position})
    match event:
        case PaymentReversed(_, _, to_principal, to_fees):
            return _paid(state, -to_principal, -to_fees)
        case LateFeeReversed(_, fee):
            return _charged(state, -fee)
        case WaiverReversed(_, fee):
            return _waived(state, -fee)
        case WriteOffReversed(_, principal, fees):
            return _given_up(state, -principal, -fees)
        case RecoveryReversed(_, amount):
            return replace(state, recovered=state.recovered - amount)
        case _:
            assert_never(event)


def _originated(event: ProductOriginated) -> Product:
    zero = money.zero_like(event.principal)
    return Product(
        exists=True,
        deal_uuid=event.deal_uuid,
        asset_uuid=event.asset_uuid,
        obligor_company_uuid=event.obligor_company_uuid,
        principal=event.principal,
        currency=event.currency,
        due_date=event.due_date,
        daily_late_fee_rate=event.daily_late_fee_rate,
        late_fee_payer_role=event.late_fee_payer_role,
        companies=event.companies,
        reference=event.reference,
        principal_outstanding=event.principal,
        principal_paid=zero,
        fees_incurred=zero,
        fees_paid=zero,
        fees_waived=zero,
        fees_outstanding=zero,
        recovered=zero,
    )


def _paid(state: Product, to_principal: Decimal, to_fees: Decimal) -> Product:
    return replace(
        state,
        principal_outstanding=state.principal_outstanding - to_principal,
        principal_paid=state.principal_paid + to_principal,
        fees_outstanding=state.fees_outstanding - to_fees,
        fees_paid=state.fees_paid + to_fees,
    )


def _charged(state: Product, fee: Decimal) -> Product:
    incurred, outstanding = state.fees_incurred + fee, state.fees_outstanding + fee
    return replace(state, fees_incurred=incurred, fees_outstanding=outstanding)


def _waived(state: Product, fee: Decimal) -> Product:
    waived, outstanding = state.fees_waived + fee, state.fees_outstanding - fee
    return replace(state, fees_waived=waived, fees_outstanding=outstanding)


def _given_up(state: Product, principal: Decimal, fees: Decimal) -> Product:
    principal_outstanding, fees_outstanding = state.principal_outstanding - principal, state.fees_outstanding - fees
    return replace(state, principal_outstanding=principal_outstanding, fees_outstanding=fees_outstanding)


def _pay(state: Product, command: ApplyPayment, facts: Facts) -> PaymentApplied:
    _must_stand(state, command.product_uuid)
    currency = guards.currency(command.currency, state.currency, facts)
    amount = guards.amount(command.amount, currency, facts)
    reference = texts.text("reference", command.reference)
    principal, fees = state.principal_outstanding, state.fees_outstanding
    if amount > principal + fees:
        surplus = amount - principal - fees
        raise PaymentExceedsOutstanding(principal=principal, fees=fees, surplus=surplus, currency=currency)
    to_principal = min(amount, principal)
    return PaymentApplied(amount, to_principal, amount - to_principal, currency, reference)


def _waive(state: Product, command: WaiveLateFee, facts: Facts) -> LateFeeWaived:
    _must_owe_or_stand(state, command.product_uuid)
    currency = guards.currency(command.currency, state.currency, facts)
    amount = guards.amount(command.amount, currency, facts)
    reason = texts.text("reason", command.reason)
    if amount > state.fees_outstanding:
        raise WaiverExceedsFees(fees=state.fees_outstanding, requested=amount, currency=currency)
    return LateFeeWaived(amount, currency, reason)


def _write_off(state: Product, command: WriteOffProduct) -> ProductWrittenOff:
    currency = _must_owe_or_stand(state, command.product_uuid)
    reason = texts.text("reason", command.reason)
    if state.status == "paid":
        raise NothingOwed(product_uuid=command.product_uuid)
    return ProductWrittenOff(state.principal_outstanding, state.fees_outstanding, currency, reason)


def _recover(state: Product, command: RecordRecovery, facts: Facts) -> RecoveryRecorded:
    corrections.must_exist(state, command.product_uuid)
    currency = guards.currency(command.currency, state.currency, facts)
    amount = guards.amount(command.amount, currency, facts)
    reference = texts.text("reference", command.reference)
    if not state.written_off:
        raise ProductNotWrittenOff(product_uuid=command.product_uuid)
    corrections.check_recovered(state.written_off, state.recovered + amount, currency)
    return RecoveryRecorded(amount, currency, reference)


def _must_stand(state: Product, product_uuid: UUID) -> str:
    currency = corrections.must_exist(state, product_uuid)
    if state.status == "written_off":
        raise ProductIsWrittenOff(product_uuid=product_uuid)
    return currency


def _must_owe_or_stand(state: Product, product_uuid: UUID) -> str:
    # A fee of a date before the write-off may be recorded after it: it is waived or written off like any other.
    if state.fees_outstanding:
        return corrections.must_exist(state, product_uuid)
    return _must_stand(state, product_uuid)
