"""Checks that several aggregates share: currencies, amounts, balances and the target of a reversal."""

from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from ledger.rules import money
from ledger.rules.facts import Facts, stream_id
from ledger.rules.refusals.balances import BalanceTooLarge, CurrencyMismatch, InsufficientFunds
from ledger.rules.refusals.existence import AlreadyReversed, NothingToReverse, UnknownCompany
from ledger.rules.refusals.fields import CurrencyRequired

E = TypeVar("E")


def currency(given: str | None, held: str | None, facts: Facts) -> str:
    """Return the currency held, or the given one if none is held.

    Raises UnknownCurrency, CurrencyMismatch if the two differ, and CurrencyRequired if there is neither.
    """
    if given is not None:
        facts.minor_digits(given)
    settled = held or given
    if settled is None:
        raise CurrencyRequired
    if given is not None and given != settled:
        raise CurrencyMismatch(expected=settled, given=given)
    return settled


def changeable_currency(given: str | None, held: str | None, *, is_used: bool, facts: Facts) -> str:
    """Return the currency of the decision: a given one replaces the one held as long as no event uses the latter."""
    return currency(given, held if is_used or given is None else None, facts)


def amount(value: Decimal, of_currency: str, facts: Facts, *, field: str = "amount", zero: bool = False) -> Decimal:
    """Return the amount with exactly its currency's digits, or raise InvalidAmount; zero is refused unless allowed."""
    return money.amount(value, facts.minor_digits(of_currency), field=field, zero_allowed=zero)


def can_receive(balance: Decimal, received: Decimal, of_currency: str) -> None:
    """Raise BalanceTooLarge if the balance would have more than 18 digits after it has received the amount."""
    if not money.fits(balance + received, money.digits_of(received)):
        raise BalanceTooLarge(balance=balance + received, currency=of_currency)


def can_give(balance: Decimal, taken: Decimal, of_currency: str) -> None:
    """Raise InsufficientFunds if the balance would be below zero after the amount is taken."""
    if taken > balance:
        raise InsufficientFunds(available=balance, requested=taken, currency=of_currency)


def registered(company_uuid: UUID, facts: Facts) -> UUID:
    """Return the company's uuid, or raise UnknownCompany."""
    if not facts.company(company_uuid).exists:
        raise UnknownCompany(company_uuid=company_uuid)
    return company_uuid


def to_reverse(
    position: int,
    expected: type[E],
    target: tuple[str, UUID],
    reversed_positions: frozenset[int],
    facts: Facts,
) -> E:
    """Return the target's event of the expected type at a position; raises NothingToReverse and AlreadyReversed."""
    stream = stream_id(*target)
    found = facts.event(position)
    if found is None or found[0] != stream or not isinstance(found[1], expected):
        raise NothingToReverse(position=position, expected=expected.__name__, stream_id=stream)
    if position in reversed_positions:
        raise AlreadyReversed(position=position)
    return found[1]
