"""Refusals by the rules of balances, accounts and grants."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from ledger.rules.refusals.base import AgainstTheRules


@dataclass(eq=False, kw_only=True)
class CurrencyMismatch(AgainstTheRules):
    """The currency is not that of the target."""

    slug = "currency-mismatch"
    sentence = "The currency is {expected}, not {given}."
    remedy = "Send the currency of what the money is for, or leave it out."

    expected: str
    given: str


@dataclass(eq=False, kw_only=True)
class InsufficientFunds(AgainstTheRules):
    """The amount is greater than the available balance."""

    slug = "insufficient-funds"
    sentence = "{requested} {currency} requested, {available} {currency} available."
    remedy = "Ask for less, or fund it first."

    available: Decimal
    requested: Decimal
    currency: str


@dataclass(eq=False, kw_only=True)
class BalanceTooLarge(AgainstTheRules):
    """The balance would have more than 18 digits."""

    slug = "balance-too-large"
    sentence = "The balance would be {balance} {currency}, which is more than 18 digits."
    remedy = "Split it over several of them."

    balance: Decimal
    currency: str


@dataclass(eq=False, kw_only=True)
class SenderIsReceiver(AgainstTheRules):
    """The sender and the receiver of the asset are the same company."""

    slug = "sender-is-receiver"
    sentence = "The asset's sender and receiver are the same company, {company_uuid}."
    remedy = "Name two companies."

    company_uuid: UUID


@dataclass(eq=False, kw_only=True)
class AccountNotActive(AgainstTheRules):
    """The funding account is not active."""

    slug = "account-not-active"
    sentence = "The funding account {account_uuid} is {status}, not active."
    remedy = "Activate it first, if it is pending; a closed account stays closed."

    account_uuid: UUID
    status: str


@dataclass(eq=False, kw_only=True)
class AccountIsClosed(AgainstTheRules):
    """The funding account is closed."""

    slug = "account-is-closed"
    sentence = "The funding account {account_uuid} is closed for good."
    remedy = "Open another one."

    account_uuid: UUID


@dataclass(eq=False, kw_only=True)
class AccountNotEmpty(AgainstTheRules):
    """A funding account is closed only at balance zero."""

    slug = "account-not-empty"
    sentence = "The funding account {account_uuid} still holds {balance} {currency}."
    remedy = "Pay out what it holds first."

    account_uuid: UUID
    balance: Decimal
    currency: str | None


@dataclass(eq=False, kw_only=True)
class AccountOfAnotherCompany(AgainstTheRules):
    """The funding account belongs to another company than the grant says."""

    slug = "account-of-another-company"
    sentence = "The funding account {account_uuid} does not belong to the company {company_uuid}."
    remedy = "Name the company that the account belongs to: GET /api/accounts/{account_uuid} tells it."

    account_uuid: UUID
    company_uuid: UUID


@dataclass(eq=False, kw_only=True)
class NoSources(AgainstTheRules):
    """The grant has no source."""

    slug = "no-sources"
    sentence = "A grant needs at least one source."
    remedy = "Name a company or an asset that has a balance."


@dataclass(eq=False, kw_only=True)
class SourceTwice(AgainstTheRules):
    """The grant names a source twice."""

    slug = "source-twice"
    sentence = "The {from_type} {from_uuid} stands twice among the sources."
    remedy = "Name it once: a grant draws on all that it has."

    from_type: str
    from_uuid: UUID


@dataclass(eq=False, kw_only=True)
class SourceWithoutBalance(AgainstTheRules):
    """A source of the grant has no balance."""

    slug = "source-without-balance"
    sentence = "The {from_type} {from_uuid} has no balance to draw on."
    remedy = "Leave it out, or fund it first."

    from_type: str
    from_uuid: UUID


@dataclass(eq=False, kw_only=True)
class NoDestinations(AgainstTheRules):
    """The grant has no destination."""

    slug = "no-destinations"
    sentence = "A grant needs at least one destination."
    remedy = "Name the account that is to be credited, and the amount."
