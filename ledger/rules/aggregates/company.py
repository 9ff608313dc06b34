"""A company: its name and its balance."""

from dataclasses import dataclass, replace
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
)
from ledger.rules.facts import Facts
from ledger.rules.refusals.existence import AlreadyExists, UnknownCompany
from ledger.rules.refusals.fields import OneTargetRequired


@dataclass(frozen=True, slots=True)
class Company:
    """A company; its currency is that of its first receipt, and `reversed` holds the positions of reversed receipts."""

    exists: bool = False
    name: str = ""
    currency: str | None = None
    balance: Decimal = Decimal(0)
    reversed: frozenset[int] = frozenset()


INITIAL = Company()


@dataclass(frozen=True, slots=True)
class DebitCompany:
    """Take a grant's money from a company; only a grant makes this command."""

    company_uuid: UUID
    amount: Decimal
    currency: str
    grant_uuid: UUID


def decide(
    state: Company, command: CompanyCommand | ReverseFunding | DebitCompany, facts: Facts
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
            return replace(state, balance=state.balance + amount, currency=currency)
        case FundsDebited(amount):
            return replace(state, balance=state.balance - amount)
        case FundingReversed(position, amount):
            return replace(state, balance=state.balance - amount, reversed=state.reversed | {position})
        case _:
            assert_never(event)


def _register(state: Company, command: RegisterCompany) -> CompanyRegistered:
    if state.exists:
        raise AlreadyExists(category="company", uuid=command.company_uuid)
    return CompanyRegistered(texts.text("name", command.name))


def _rename(state: Company, command: RenameCompany) -> CompanyRenamed:
    _must_exist(state, command.company_uuid)
    return CompanyRenamed(texts.text("name", command.name))


def _fund(state: Company, command: FundCompany, facts: Facts) -> CompanyFunded:
    _must_exist(state, command.company_uuid)
    currency = guards.currency(command.currency, state.currency, facts)
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


def _must_exist(state: Company, company_uuid: UUID) -> None:
    if not state.exists:
        raise UnknownCompany(company_uuid=company_uuid)
