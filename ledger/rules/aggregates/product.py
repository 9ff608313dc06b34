"""A product: the principal that a company owes under a deal, its late fees and its payments."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal, assert_never
from uuid import UUID

from ledger.rules import dates, guards, money, texts
from ledger.rules.aggregates.asset import must_back_only
from ledger.rules.aggregates.deal import MEMBERSHIP, Deal
from ledger.rules.commands import (
    ApplyPayment,
    OriginateProduct,
    ProductCommand,
    ReversePayment,
    WaiveLateFee,
    WriteOffProduct,
)
from ledger.rules.events import (
    DealCompany,
    LateFeeIncurred,
    LateFeeNotAssessed,
    LateFeeWaived,
    PaymentApplied,
    PaymentReversed,
    ProductEvent,
    ProductOriginated,
    ProductWrittenOff,
)
from ledger.rules.facts import Facts
from ledger.rules.refusals.existence import AlreadyExists, UnknownAsset, UnknownDeal, UnknownProduct
from ledger.rules.refusals.products import (
    DealNotActive,
    MembershipWithoutProducts,
    NothingOwed,
    ObligorNotInDeal,
    ObligorRequired,
    PaymentExceedsOutstanding,
    ProductIsWrittenOff,
    RoleNotPlayed,
    WaiverExceedsFees,
)

Status = Literal["open", "paid", "written_off"]


@dataclass(frozen=True, slots=True)
class Product:
    """A product: its terms as originated, and what is outstanding, paid and waived.

    Its status is `written_off` after a write-off, otherwise `paid` if neither principal nor fees are outstanding,
    otherwise `open`: a later fee or a reversed payment opens it again. A fee of a date before the write-off that is
    assessed after it is folded like any other.
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
    written_off: bool = False
    reversed: frozenset[int] = frozenset()

    @property
    def status(self) -> Status:
        """One of open, paid and written_off."""
        if self.written_off:
            return "written_off"
        return "open" if self.principal_outstanding or self.fees_outstanding else "paid"


INITIAL = Product()


def decide(state: Product, command: ProductCommand, facts: Facts) -> tuple[ProductEvent, ...]:
    """Return the events of the command, or raise the refusal of the first broken rule."""
    match command:
        case OriginateProduct():
            return (_originate(state, command, facts),)
        case ApplyPayment():
            return (_pay(state, command, facts),)
        case ReversePayment():
            return (_reverse(state, command, facts),)
        case WaiveLateFee():
            return (_waive(state, command, facts),)
        case WriteOffProduct():
            return (_write_off(state, command),)
        case _:
            assert_never(command)


def evolve(state: Product, event: ProductEvent) -> Product:
    """Return the product after the event."""
    match event:
        case ProductOriginated():
            return _originated(event)
        case PaymentApplied(_, to_principal, to_fees):
            return _paid(state, to_principal, to_fees)
        case PaymentReversed(position, _, to_principal, to_fees):
            return replace(_paid(state, -to_principal, -to_fees), reversed=state.reversed | {position})
        case LateFeeIncurred(fee):
            incurred, outstanding = state.fees_incurred + fee, state.fees_outstanding + fee
            return replace(state, fees_incurred=incurred, fees_outstanding=outstanding)
        case LateFeeNotAssessed():
            return state
        case LateFeeWaived(fee):
            waived, outstanding = state.fees_waived + fee, state.fees_outstanding - fee
            return replace(state, fees_waived=waived, fees_outstanding=outstanding)
        case ProductWrittenOff(principal, fees):
            return replace(
                state,
                principal_outstanding=state.principal_outstanding - principal,
                fees_outstanding=state.fees_outstanding - fees,
                written_off=True,
            )
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
    )


def _paid(state: Product, to_principal: Decimal, to_fees: Decimal) -> Product:
    return replace(
        state,
        principal_outstanding=state.principal_outstanding - to_principal,
        principal_paid=state.principal_paid + to_principal,
        fees_outstanding=state.fees_outstanding - to_fees,
        fees_paid=state.fees_paid + to_fees,
    )


def _originate(state: Product, command: OriginateProduct, facts: Facts) -> ProductOriginated:
    if state.exists:
        raise AlreadyExists(category="product", uuid=command.product_uuid)
    deal = facts.deal(command.deal_uuid)
    if not deal.exists:
        raise UnknownDeal(deal_uuid=command.deal_uuid)
    if deal.status != "active":
        raise DealNotActive(deal_uuid=command.deal_uuid, status=deal.status)
    if deal.product_line_id == MEMBERSHIP:
        raise MembershipWithoutProducts(deal_uuid=command.deal_uuid)
    currency = guards.currency(command.currency, _asset_currency(command.asset_uuid, facts), facts)
    payer_role = deal.spelling(command.late_fee_payer_role)
    return ProductOriginated(
        deal_uuid=command.deal_uuid,
        asset_uuid=command.asset_uuid,
        principal=guards.amount(command.principal, currency, facts, field="principal"),
        currency=currency,
        due_date=dates.business_date("due_date", command.due_date),
        daily_late_fee_rate=money.rate(command.daily_late_fee_rate),
        reference=texts.text("reference", command.reference),
        late_fee_payer_role=texts.text("late_fee_payer_role", payer_role),
        obligor_company_uuid=_obligor(deal, payer_role, command.obligor_company_uuid),
        companies=deal.companies,
    )


def _asset_currency(asset_uuid: UUID | None, facts: Facts) -> str | None:
    if asset_uuid is None:
        return None
    asset = facts.asset(asset_uuid)
    if not asset.exists:
        raise UnknownAsset(asset_uuid=asset_uuid)
    return asset.currency


def _obligor(deal: Deal, payer_role: str, obligor: UUID | None) -> UUID:
    payers = deal.players(payer_role)
    if not payers:
        raise RoleNotPlayed(role=payer_role)
    if obligor is None:
        if len(payers) > 1:
            raise ObligorRequired(role=payer_role, count=len(payers))
        return payers[0]
    if all(company.company_uuid != obligor for company in deal.companies):
        raise ObligorNotInDeal(company_uuid=obligor)
    return obligor


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


def _reverse(state: Product, command: ReversePayment, facts: Facts) -> PaymentReversed:
    _must_stand(state, command.product_uuid)
    reason = texts.text("reason", command.reason)
    target = ("product", command.product_uuid)
    paid = guards.to_reverse(command.position, PaymentApplied, target, state.reversed, facts)
    if paid.to_principal > 0 and state.asset_uuid is not None:
        must_back_only(facts.asset(state.asset_uuid), state.asset_uuid, command.product_uuid, facts)
    return PaymentReversed(command.position, paid.amount, paid.to_principal, paid.to_fees, paid.currency, reason)


def _waive(state: Product, command: WaiveLateFee, facts: Facts) -> LateFeeWaived:
    # A fee of a date before the write-off may be recorded after it; a waiver clears it.
    if not (state.written_off and state.fees_outstanding):
        _must_stand(state, command.product_uuid)
    currency = guards.currency(command.currency, state.currency, facts)
    amount = guards.amount(command.amount, currency, facts)
    reason = texts.text("reason", command.reason)
    if amount > state.fees_outstanding:
        raise WaiverExceedsFees(fees=state.fees_outstanding, requested=amount, currency=currency)
    return LateFeeWaived(amount, currency, reason)


def _write_off(state: Product, command: WriteOffProduct) -> ProductWrittenOff:
    currency = _must_stand(state, command.product_uuid)
    reason = texts.text("reason", command.reason)
    if state.status == "paid":
        raise NothingOwed(product_uuid=command.product_uuid)
    return ProductWrittenOff(state.principal_outstanding, state.fees_outstanding, currency, reason)


def _must_stand(state: Product, product_uuid: UUID) -> str:
    if not state.exists or state.currency is None:
        raise UnknownProduct(product_uuid=product_uuid)
    if state.written_off:
        raise ProductIsWrittenOff(product_uuid=product_uuid)
    return state.currency
