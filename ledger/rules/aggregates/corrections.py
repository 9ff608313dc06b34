"""Corrections of a product: each takes back one earlier event of it, whole and once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, assert_never

from ledger.rules import guards, texts
from ledger.rules.aggregates.asset import must_back_only
from ledger.rules.commands import (
    ReverseLateFee,
    ReversePayment,
    ReverseRecovery,
    ReverseWaiver,
    ReverseWriteOff,
)
from ledger.rules.events import (
    LateFeeIncurred,
    LateFeeReversed,
    LateFeeWaived,
    PaymentApplied,
    PaymentReversed,
    ProductWrittenOff,
    RecoveryRecorded,
    RecoveryReversed,
    WaiverReversed,
    WriteOffReversed,
)
from ledger.rules.refusals.existence import UnknownProduct
from ledger.rules.refusals.products import FeeNotOutstanding, RecoveryExceedsWriteOff

if TYPE_CHECKING:
    from decimal import Decimal
    from uuid import UUID

    from ledger.rules.aggregates.product import Product
    from ledger.rules.commands import ProductReversalCommand
    from ledger.rules.events import ProductReversal
    from ledger.rules.facts import Facts

E = TypeVar("E")


def reverse(state: Product, command: ProductReversalCommand, facts: Facts) -> ProductReversal:
    """Return the event that takes back an earlier one, or raise the refusal of the first broken rule."""
    must_exist(state, command.product_uuid)
    reason = texts.text("reason", command.reason)
    match command:
        case ReversePayment():
            return _reverse_payment(state, command, reason, facts)
        case ReverseLateFee():
            return _reverse_late_fee(state, command, reason, facts)
        case ReverseWaiver():
            waived = _to_reverse(LateFeeWaived, state, command, facts)
            return WaiverReversed(command.position, waived.amount, waived.currency, reason)
        case ReverseWriteOff():
            return _reverse_write_off(state, command, reason, facts)
        case ReverseRecovery():
            recovered = _to_reverse(RecoveryRecorded, state, command, facts)
            return RecoveryReversed(command.position, recovered.amount, recovered.currency, reason)
        case _:
            assert_never(command)


def _reverse_payment(state: Product, command: ReversePayment, reason: str, facts: Facts) -> PaymentReversed:
    """Take back a payment, also one that was applied before a write-off: what it paid is owed again."""
    paid = _to_reverse(PaymentApplied, state, command, facts)
    _check_asset(state, command.product_uuid, paid.to_principal, facts)
    return PaymentReversed(command.position, paid.amount, paid.to_principal, paid.to_fees, paid.currency, reason)


def _reverse_late_fee(state: Product, command: ReverseLateFee, reason: str, facts: Facts) -> LateFeeReversed:
    fee = _to_reverse(LateFeeIncurred, state, command, facts)
    if fee.amount > state.fees_outstanding:
        raise FeeNotOutstanding(fees=state.fees_outstanding, requested=fee.amount, currency=fee.currency)
    return LateFeeReversed(command.position, fee.amount, fee.currency, reason)


def _reverse_write_off(state: Product, command: ReverseWriteOff, reason: str, facts: Facts) -> WriteOffReversed:
    """Take back a write-off: what it gave up is owed again, unless it was recovered."""
    lost = _to_reverse(ProductWrittenOff, state, command, facts)
    check_recovered(state.written_off - lost.principal - lost.fees, state.recovered, lost.currency)
    _check_asset(state, command.product_uuid, lost.principal, facts)
    return WriteOffReversed(command.position, lost.principal, lost.fees, lost.currency, reason)


def _to_reverse(expected: type[E], state: Product, command: ProductReversalCommand, facts: Facts) -> E:
    return guards.to_reverse(command.position, expected, ("product", command.product_uuid), state.reversed, facts)


def must_exist(state: Product, product_uuid: UUID) -> str:
    """Return the product's currency, or raise UnknownProduct."""
    if not state.exists or state.currency is None:
        raise UnknownProduct(product_uuid=product_uuid)
    return state.currency


def check_recovered(written_off: Decimal, recovered: Decimal, currency: str) -> None:
    """Raise RecoveryExceedsWriteOff if more is recovered than is written off."""
    if recovered > written_off:
        raise RecoveryExceedsWriteOff(written_off=written_off, recovered=recovered, currency=currency)


def _check_asset(state: Product, product_uuid: UUID, principal: Decimal, facts: Facts) -> None:
    """Raise AssetAlreadyFinanced if principal is owed again on an asset that backs another product."""
    if principal > 0 and state.asset_uuid is not None:
        must_back_only(facts.asset(state.asset_uuid), state.asset_uuid, product_uuid, facts)
