"""A company: its name and its balance."""

from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never
from uuid import UUID

from ledger.rules import guards, texts
from ledger.rules.commands import CompanyCommand, FundCompany, RegisterCompany, RenameCompany, ReverseFunding
from ledger.rules.events import (
    CompanyEvent,
    CompanyFunded,
    CompanyRegistered,
    CompanyRenamed,
    FundingReversed,
    FundsDebited,
    FundsPaidOut,
    PayoutReturnedToCompany,
)
from ledger.rules.facts import Facts
from ledger.rules.refusals.existence import AlreadyExists, UnknownCompany
from ledger.rules.refusals.fields import OneTargetRequired
from ledger.rules.replacing import replace


@dataclass(frozen=True, slots=True)
class Company:
    """A company; its currency is that of its money.

    `uses` counts the events with that currency that are not reversed: while there are none, another receipt may change
    it. `reversed` holds the positions of reversed receipts and of payouts that came back.
    """

    exists: bool = False
    name: str = ""
    currency: str | None = None
    balance: Decimal = Decimal(0)
    uses: int = 0
    reversed: frozenset[int] = frozenset()


INITIAL = Company()


@dataclass(frozen=True, slots=True)
class DebitCompany:
    """Take a grant's money from a company; only a grant makes this command."""

    company_uuid: UUID
    amount: Decimal
    currency: str
    grant_uuid: UUID


@dataclass(frozen=True, slots=True)
class ReceiveReturnedPayout:
    """Add a payout of a closed account to its company's balance; only the return of a payout makes this command."""

    company_uuid: UUID
    account_uuid: UUID
    position: int
    reason: str
    returned: frozenset[int]


def decide(
    state: Company, command: CompanyCommand | ReverseFunding | DebitCompany | ReceiveReturnedPayout, facts: Facts
) -> tuple[CompanyEvent, ...]:
    """Return the events of the command, or raise the refusal of the first broken rule."""
    match command:
        case RegisterCompany():
            return (_register(state, command),)
        case RenameCompany():
            return (_rename(state, command),)
        case FundCompany():
            return (_fund(state, command, facts),)
        case ReverseFunding():
            return (_reverse(state, command, facts),)
        case DebitCompany():
            return (_debit(state, command),)
        case ReceiveReturnedPayout():
            return (_receive(state, command, facts),)
        case _:
            assert_never(command)


def evolve(state: Company, event: CompanyEvent) -> Company:
    """Return the company after the event."""
    match event:
        case CompanyRegistered(name):
            return replace(state, exists=True, name=name)
        case CompanyRenamed(name):
            return replace(state, name=name)
        case CompanyFunded(amount, currency):
            return _with(state, amount, currency)
        case FundsDebited(amount):
            return replace(state, balance=state.balance - amount, uses=state.uses + 1)
        case FundingReversed(position, amount):
            balance, reversed_ = state.balance - amount, state.reversed | {position}
            return replace(state, balance=balance, uses=state.uses - 1, reversed=reversed_)
        case PayoutReturnedToCompany(position, _, amount, currency):
            return replace(_with(state, amount, currency), reversed=state.reversed | {position})
        case _:
            assert_never(event)


def _with(state: Company, amount: Decimal, currency: str) -> Company:
    # If the currency changes, the balance is zero, with the digits of the old one.
    balance = state.balance + amount if currency == state.currency else amount
    return replace(state, balance=balance, currency=currency, uses=state.uses + 1)


def _register(state: Company, command: RegisterCompany) -> CompanyRegistered:
    if state.exists:
        raise AlreadyExists(category="company", uuid=command.company_uuid)
    return CompanyRegistered(texts.text("name", command.name))


def _rename(state: Company, command: RenameCompany) -> CompanyRenamed:
    _must_exist(state, command.company_uuid)
    return CompanyRenamed(texts.text("name", command.name))


def _fund(state: Company, command: FundCompany, facts: Facts) -> CompanyFunded:
    _must_exist(state, command.company_uuid)
    currency = guards.changeable_currency(command.currency, state.currency, is_used=state.uses > 0, facts=facts)
    amount = guards.amount(command.amount, currency, facts)
    reference = texts.text("reference", command.reference)
    guards.can_receive(state.balance, amount, currency)
    return CompanyFunded(amount, currency, reference)


def _reverse(state: Company, command: ReverseFunding, facts: Facts) -> FundingReversed:
    company_uuid = command.company_uuid
    if company_uuid is None:
        raise OneTargetRequired
    _must_exist(state, company_uuid)
    reason = texts.text("reason", command.reason)
    target = ("company", company_uuid)
    funded = guards.to_reverse(command.position, CompanyFunded, target, state.reversed, facts)
    guards.can_give(state.balance, funded.amount, funded.currency)
    return FundingReversed(command.position, funded.amount, funded.currency, reason)


def _debit(state: Company, command: DebitCompany) -> FundsDebited:
    _must_exist(state, command.company_uuid)
    guards.can_give(state.balance, command.amount, command.currency)
    return FundsDebited(command.amount, command.currency, command.grant_uuid)


def _receive(state: Company, command: ReceiveReturnedPayout, facts: Facts) -> PayoutReturnedToCompany:
    reason = texts.text("reason", command.reason)
    target, returned = ("account", command.account_uuid), state.reversed | command.returned
    paid = guards.to_reverse(command.position, FundsPaidOut, target, returned, facts)
    guards.changeable_currency(paid.currency, state.currency, is_used=state.uses > 0, facts=facts)
    guards.can_receive(state.balance, paid.amount, paid.currency)
    return PayoutReturnedToCompany(command.position, command.account_uuid, paid.amount, paid.currency, reason)


def _must_exist(state: Company, company_uuid: UUID) -> None:
    if not state.exists:
        raise UnknownCompany(company_uuid=company_uuid)
