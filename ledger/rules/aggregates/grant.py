"""A grant: balances drawn from companies and assets, in the given order, and credited to funding accounts."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from ledger.rules import guards, money, texts
from ledger.rules.aggregates.account import must_be_active
from ledger.rules.aggregates.asset import Asset
from ledger.rules.aggregates.company import Company
from ledger.rules.commands import Destination, GrantBalances, Source
from ledger.rules.events import BalancesGranted, GrantDestination, GrantEvent, GrantSource
from ledger.rules.facts import Facts
from ledger.rules.refusals.balances import (
    AccountOfAnotherCompany,
    CurrencyMismatch,
    InsufficientFunds,
    NoDestinations,
    NoSources,
    SourceTwice,
    SourceWithoutBalance,
)
from ledger.rules.refusals.existence import AlreadyExists, UnknownAccount, UnknownAsset, UnknownCompany, UnknownProduct
from ledger.rules.refusals.fields import UnknownFromType
from ledger.rules.refusals.products import CompanyNotInDeal, ProductNotOpen


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as it was recorded; it never changes."""

    exists: bool = False
    total: Decimal = Decimal(0)
    currency: str | None = None
    reference: str = ""
    sources: tuple[GrantSource, ...] = ()
    destinations: tuple[GrantDestination, ...] = ()


INITIAL = Grant()


@dataclass(frozen=True, slots=True)
class _Holding:
    source: Source
    balance: Decimal
    currency: str


def decide(state: Grant, command: GrantBalances, facts: Facts) -> tuple[GrantEvent, ...]:
    """Return the grant, or raise the refusal of the first broken rule: sources, then destinations, then sums."""
    if state.exists:
        raise AlreadyExists(category="grant", uuid=command.grant_uuid)
    reference = texts.text("reference", command.reference)
    holdings = _holdings(command.sources, facts)
    currency = holdings[0].currency
    destinations = _destinations(command.destinations, currency, facts)
    _check_currencies(command, holdings, facts)
    available = sum((holding.balance for holding in holdings), Decimal(0))
    total = sum((destination.amount for destination in destinations), money.zero_like(destinations[0].amount))
    if total > available:
        raise InsufficientFunds(available=available, requested=total, currency=currency)
    # Several sources together may hold more than an amount can express.
    guards.amount(total, currency, facts, field="total")
    return (BalancesGranted(total, currency, reference, tuple(_draw(holdings, total)), destinations),)


def evolve(state: Grant, event: GrantEvent) -> Grant:  # noqa: ARG001 - a grant's only event replaces whatever was
    """Return the grant after the event."""
    return Grant(
        exists=True,
        total=event.total,
        currency=event.currency,
        reference=event.reference,
        sources=event.sources,
        destinations=event.destinations,
    )


def _holdings(sources: tuple[Source, ...], facts: Facts) -> tuple[_Holding, ...]:
    if not sources:
        raise NoSources
    [(most_often, times)] = Counter(sources).most_common(1)
    if times > 1:
        raise SourceTwice(from_type=most_often.from_type, from_uuid=most_often.from_uuid)
    return tuple(_holding(source, facts) for source in sources)


def _holding(source: Source, facts: Facts) -> _Holding:
    holder = _holder(source, facts)
    if holder.balance <= 0 or holder.currency is None:
        raise SourceWithoutBalance(from_type=source.from_type, from_uuid=source.from_uuid)
    return _Holding(source, holder.balance, holder.currency)


def _holder(source: Source, facts: Facts) -> Company | Asset:
    match source.from_type:
        case "company":
            company = facts.company(source.from_uuid)
            if not company.exists:
                raise UnknownCompany(company_uuid=source.from_uuid)
            return company
        case "asset":
            asset = facts.asset(source.from_uuid)
            if not asset.exists:
                raise UnknownAsset(asset_uuid=source.from_uuid)
            return asset
        case unknown:
            raise UnknownFromType(from_type=unknown)


def _destinations(
    destinations: tuple[Destination, ...],
    currency: str,
    facts: Facts,
) -> tuple[GrantDestination, ...]:
    if not destinations:
        raise NoDestinations
    return tuple(_destination(destination, currency, facts) for destination in destinations)


def _destination(destination: Destination, currency: str, facts: Facts) -> GrantDestination:
    account_uuid = destination.to_company_account_uuid
    account = facts.account(account_uuid)
    if not account.exists:
        raise UnknownAccount(account_uuid=account_uuid)
    company_uuid = guards.registered(destination.to_company_uuid, facts)
    must_be_active(account, account_uuid)
    if account.company_uuid != company_uuid:
        raise AccountOfAnotherCompany(account_uuid=account_uuid, company_uuid=company_uuid)
    amount = guards.amount(destination.amount, currency, facts)
    if destination.product_uuid is not None:
        _check_product(destination.product_uuid, company_uuid, currency, facts)
    return GrantDestination(company_uuid, account_uuid, amount, destination.product_uuid)


def _check_product(product_uuid: UUID, company_uuid: UUID, currency: str, facts: Facts) -> None:
    product = facts.product(product_uuid)
    if not product.exists:
        raise UnknownProduct(product_uuid=product_uuid)
    if product.currency != currency:
        raise CurrencyMismatch(expected=currency, given=product.currency or "")
    if product.status != "open":
        raise ProductNotOpen(product_uuid=product_uuid, status=product.status)
    if all(company.company_uuid != company_uuid for company in product.companies):
        raise CompanyNotInDeal(company_uuid=company_uuid, product_uuid=product_uuid)


def _check_currencies(command: GrantBalances, holdings: tuple[_Holding, ...], facts: Facts) -> None:
    expected = guards.currency(command.currency, holdings[0].currency, facts)
    paid_to = (facts.account(destination.to_company_account_uuid) for destination in command.destinations)
    held = [holding.currency for holding in holdings] + [account.currency for account in paid_to]
    for currency in held:
        if currency is not None and currency != expected:
            raise CurrencyMismatch(expected=expected, given=currency)


def _draw(holdings: tuple[_Holding, ...], total: Decimal) -> Iterator[GrantSource]:
    left = total
    for holding in holdings:
        drawn = min(left, holding.balance)
        if drawn > 0:
            yield GrantSource(holding.source.from_type, holding.source.from_uuid, drawn)
        left -= drawn
