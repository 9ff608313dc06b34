"""A funding account: grants credit it, and payouts leave the ledger from it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, assert_never
from uuid import UUID

from ledger.rules import guards, texts
from ledger.rules.commands import (
    AccountCommand,
    ActivateFundingAccount,
    CloseFundingAccount,
    OpenFundingAccount,
    PayOutFunds,
    ReturnPayout,
)
from ledger.rules.events import (
    AccountEvent,
    FundingAccountActivated,
    FundingAccountClosed,
    FundingAccountOpened,
    FundsCredited,
    FundsPaidOut,
    PayoutReturned,
)
from ledger.rules.facts import Facts
from ledger.rules.refusals.balances import AccountIsClosed, AccountNotActive, AccountNotEmpty
from ledger.rules.refusals.existence import AlreadyActive, AlreadyClosed, AlreadyExists, UnknownAccount
from ledger.rules.replacing import replace


@dataclass(frozen=True, slots=True)
class Account:
    """A company's funding account; its currency is that of its first credit."""

    exists: bool = False
    company_uuid: UUID | None = None
    label: str = ""
    status: Literal["pending", "active", "closed"] = "pending"
    currency: str | None = None
    balance: Decimal = Decimal(0)
    returned: frozenset[int] = frozenset()


INITIAL = Account()


@dataclass(frozen=True, slots=True)
class CreditAccount:
    """Credit a grant's money to an account; only a grant makes this command."""

    account_uuid: UUID
    amount: Decimal
    currency: str
    grant_uuid: UUID


def decide(state: Account, command: AccountCommand | CreditAccount, facts: Facts) -> tuple[AccountEvent, ...]:
    """Return the events of the command, or raise the refusal of the first broken rule."""
    match command:
        case OpenFundingAccount():
            return (_open(state, command, facts),)
        case ActivateFundingAccount():
            return (_activate(state, command),)
        case CloseFundingAccount():
            return (_close(state, command),)
        case PayOutFunds():
            return (_pay_out(state, command, facts),)
        case ReturnPayout():
            return (_take_back(state, command, facts),)
        case CreditAccount():
            return (_credit(state, command, facts),)
        case _:
            assert_never(command)


def evolve(state: Account, event: AccountEvent) -> Account:
    """Return the account after the event."""
    match event:
        case FundingAccountOpened(company_uuid, label):
            return replace(state, exists=True, company_uuid=company_uuid, label=label)
        case FundingAccountActivated():
            return replace(state, status="active")
        case FundingAccountClosed():
            return replace(state, status="closed")
        case FundsCredited(amount, currency):
            return replace(state, balance=state.balance + amount, currency=currency)
        case FundsPaidOut(amount):
            return replace(state, balance=state.balance - amount)
        case PayoutReturned(position, amount):
            return replace(state, balance=state.balance + amount, returned=state.returned | {position})
        case _:
            assert_never(event)


def must_be_active(state: Account, account_uuid: UUID) -> None:
    """Raise AccountNotActive unless the account is active."""
    if state.status != "active":
        raise AccountNotActive(account_uuid=account_uuid, status=state.status)


def _open(state: Account, command: OpenFundingAccount, facts: Facts) -> FundingAccountOpened:
    if state.exists:
        raise AlreadyExists(category="account", uuid=command.account_uuid)
    label = texts.text("label", command.label)
    return FundingAccountOpened(guards.registered(command.company_uuid, facts), label)


def _activate(state: Account, command: ActivateFundingAccount) -> FundingAccountActivated:
    _must_exist(state, command.account_uuid)
    if state.status == "closed":
        raise AccountIsClosed(account_uuid=command.account_uuid)
    if state.status == "active":
        raise AlreadyActive(category="account", uuid=command.account_uuid)
    return FundingAccountActivated()


def _close(state: Account, command: CloseFundingAccount) -> FundingAccountClosed:
    _must_exist(state, command.account_uuid)
    if state.status == "closed":
        raise AlreadyClosed(account_uuid=command.account_uuid)
    reason = texts.text("reason", command.reason)
    if state.balance != 0:
        raise AccountNotEmpty(account_uuid=command.account_uuid, balance=state.balance, currency=state.currency)
    return FundingAccountClosed(reason)


def _pay_out(state: Account, command: PayOutFunds, facts: Facts) -> FundsPaidOut:
    _must_exist(state, command.account_uuid)
    must_be_active(state, command.account_uuid)
    currency = guards.currency(command.currency, state.currency, facts)
    amount = guards.amount(command.amount, currency, facts)
    reference = texts.text("reference", command.reference)
    guards.can_give(state.balance, amount, currency)
    return FundsPaidOut(amount, currency, reference)


def _take_back(state: Account, command: ReturnPayout, facts: Facts) -> PayoutReturned:
    _must_exist(state, command.account_uuid)
    must_be_active(state, command.account_uuid)
    reason = texts.text("reason", command.reason)
    target = ("account", command.account_uuid)
    paid = guards.to_reverse(command.position, FundsPaidOut, target, state.returned, facts)
    guards.can_receive(state.balance, paid.amount, paid.currency)
    return PayoutReturned(command.position, paid.amount, paid.currency, reason)


def _credit(state: Account, command: CreditAccount, facts: Facts) -> FundsCredited:
    _must_exist(state, command.account_uuid)
    must_be_active(state, command.account_uuid)
    currency = guards.currency(command.currency, state.currency, facts)
    guards.can_receive(state.balance, command.amount, currency)
    return FundsCredited(command.amount, currency, command.grant_uuid)


def _must_exist(state: Account, account_uuid: UUID) -> None:
    if not state.exists:
        raise UnknownAccount(account_uuid=account_uuid)
