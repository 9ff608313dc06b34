"""An asset: a receivable, its value, the cash collected on it and the products that it backs."""

from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never
from uuid import UUID

from ledger.rules import guards, money, texts
from ledger.rules.commands import AssetCommand, FundAsset, RegisterAsset, RevalueAsset, ReverseFunding
from ledger.rules.events import (
    AssetEvent,
    AssetFinanced,
    AssetFunded,
    AssetRegistered,
    AssetRevalued,
    FundingReversed,
    FundsDebited,
)
from ledger.rules.facts import Facts
from ledger.rules.refusals.balances import SenderIsReceiver
from ledger.rules.refusals.existence import AlreadyExists, UnknownAsset
from ledger.rules.refusals.fields import OneTargetRequired
from ledger.rules.refusals.products import AssetAlreadyFinanced, PrincipalExceedsValue
from ledger.rules.replacing import replace


@dataclass(frozen=True, slots=True)
class Asset:
    """A receivable; `products` are all products that were ever originated on it, in order.

    `uses` counts the events after the registration that use its currency and are not reversed: while there are none, a
    revaluation may change it.
    """

    exists: bool = False
    value: Decimal = Decimal(0)
    currency: str | None = None
    sender_company_uuid: UUID | None = None
    receiver_company_uuid: UUID | None = None
    reference: str = ""
    balance: Decimal = Decimal(0)
    products: tuple[UUID, ...] = ()
    uses: int = 0
    reversed: frozenset[int] = frozenset()

    @property
    def product_uuid(self) -> UUID | None:
        """The product that was last originated on it."""
        return self.products[-1] if self.products else None


INITIAL = Asset()


@dataclass(frozen=True, slots=True)
class FinanceAsset:
    """Let an asset back a product; only an origination makes this command."""

    asset_uuid: UUID
    product_uuid: UUID
    principal: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class DebitAsset:
    """Take a grant's money from an asset; only a grant makes this command."""

    asset_uuid: UUID
    amount: Decimal
    currency: str
    grant_uuid: UUID


def decide(
    state: Asset,
    command: AssetCommand | ReverseFunding | FinanceAsset | DebitAsset,
    facts: Facts,
) -> tuple[AssetEvent, ...]:
    """Return the events of the command, or raise the refusal of the first broken rule."""
    match command:
        case RegisterAsset():
            return (_register(state, command, facts),)
        case RevalueAsset():
            return (_revalue(state, command, facts),)
        case FundAsset():
            return (_fund(state, command, facts),)
        case ReverseFunding():
            return (_reverse(state, command, facts),)
        case FinanceAsset():
            return (_finance(state, command, facts),)
        case DebitAsset():
            return (_debit(state, command),)
        case _:
            assert_never(command)


def evolve(state: Asset, event: AssetEvent) -> Asset:
    """Return the asset after the event."""
    match event:
        case AssetRegistered(value, currency, sender, receiver, reference):
            zero = money.zero_like(value)
            return Asset(
                exists=True,
                value=value,
                currency=currency,
                sender_company_uuid=sender,
                receiver_company_uuid=receiver,
                reference=reference,
                balance=zero,
            )
        case AssetRevalued(value, currency):
            # If the currency changes, the balance is zero, with the digits of the old one.
            balance = state.balance if currency == state.currency else money.zero_like(value)
            return replace(state, value=value, currency=currency, balance=balance)
        case AssetFinanced(product_uuid):
            return replace(state, products=(*state.products, product_uuid), uses=state.uses + 1)
        case AssetFunded(amount):
            return replace(state, balance=state.balance + amount, uses=state.uses + 1)
        case FundsDebited(amount):
            return replace(state, balance=state.balance - amount, uses=state.uses + 1)
        case FundingReversed(position, amount):
            balance, reversed_ = state.balance - amount, state.reversed | {position}
            return replace(state, balance=balance, uses=state.uses - 1, reversed=reversed_)
        case _:
            assert_never(event)


def must_back_only(state: Asset, asset_uuid: UUID, product_uuid: UUID, facts: Facts) -> None:
    """Raise AssetAlreadyFinanced if another product has principal outstanding on the asset.

    All products ever originated on it are checked, because a reversed payment can make an old one owe again.
    """
    for other_uuid in state.products:
        if other_uuid == product_uuid:
            continue
        other = facts.product(other_uuid)
        if other.principal_outstanding > 0:
            raise AssetAlreadyFinanced(
                asset_uuid=asset_uuid,
                product_uuid=other_uuid,
                principal_outstanding=other.principal_outstanding,
                currency=other.currency,
            )


def _register(state: Asset, command: RegisterAsset, facts: Facts) -> AssetRegistered:
    if state.exists:
        raise AlreadyExists(category="asset", uuid=command.asset_uuid)
    currency = guards.currency(command.currency, None, facts)
    value = guards.amount(command.value, currency, facts, field="value")
    reference = texts.text("reference", command.reference)
    if command.sender_company_uuid == command.receiver_company_uuid:
        raise SenderIsReceiver(company_uuid=command.sender_company_uuid)
    sender = guards.registered(command.sender_company_uuid, facts)
    receiver = guards.registered(command.receiver_company_uuid, facts)
    return AssetRegistered(value, currency, sender, receiver, reference)


def _revalue(state: Asset, command: RevalueAsset, facts: Facts) -> AssetRevalued:
    _must_exist(state, command.asset_uuid)
    currency = guards.changeable_currency(command.currency, state.currency, is_used=state.uses > 0, facts=facts)
    return AssetRevalued(guards.amount(command.value, currency, facts, field="value", zero=True), currency)


def _fund(state: Asset, command: FundAsset, facts: Facts) -> AssetFunded:
    _must_exist(state, command.asset_uuid)
    currency = guards.currency(command.currency, state.currency, facts)
    amount = guards.amount(command.amount, currency, facts)
    reference = texts.text("reference", command.reference)
    guards.can_receive(state.balance, amount, currency)
    return AssetFunded(amount, currency, reference)


def _reverse(state: Asset, command: ReverseFunding, facts: Facts) -> FundingReversed:
    asset_uuid = command.asset_uuid
    if asset_uuid is None:
        raise OneTargetRequired
    _must_exist(state, asset_uuid)
    reason = texts.text("reason", command.reason)
    funded = guards.to_reverse(command.position, AssetFunded, ("asset", asset_uuid), state.reversed, facts)
    guards.can_give(state.balance, funded.amount, funded.currency)
    return FundingReversed(command.position, funded.amount, funded.currency, reason)


def _finance(state: Asset, command: FinanceAsset, facts: Facts) -> AssetFinanced:
    _must_exist(state, command.asset_uuid)
    currency = guards.currency(command.currency, state.currency, facts)
    if command.principal > state.value:
        raise PrincipalExceedsValue(principal=command.principal, value=state.value, currency=currency)
    must_back_only(state, command.asset_uuid, command.product_uuid, facts)
    return AssetFinanced(command.product_uuid, command.principal, currency)


def _debit(state: Asset, command: DebitAsset) -> FundsDebited:
    _must_exist(state, command.asset_uuid)
    guards.can_give(state.balance, command.amount, command.currency)
    return FundsDebited(command.amount, command.currency, command.grant_uuid)


def _must_exist(state: Asset, asset_uuid: UUID) -> None:
    if not state.exists:
        raise UnknownAsset(asset_uuid=asset_uuid)
