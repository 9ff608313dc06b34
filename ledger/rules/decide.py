"""The entry to the rules: decides a command on the facts and returns the events to append, each with its stream."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from ledger.rules.aggregates import account, asset, company, deal, grant, product
from ledger.rules.aggregates.account import CreditAccount
from ledger.rules.aggregates.asset import DebitAsset, FinanceAsset
from ledger.rules.aggregates.company import DebitCompany, ReceiveReturnedPayout
from ledger.rules.commands import (
    ActivateDeal,
    ActivateFundingAccount,
    CloseFundingAccount,
    Command,
    CreateDeal,
    DeleteDeal,
    FundAsset,
    FundCompany,
    GrantBalances,
    OpenFundingAccount,
    OriginateProduct,
    PayOutFunds,
    RegisterAsset,
    RegisterCompany,
    RenameCompany,
    ReturnPayout,
    RevalueAsset,
    ReverseFunding,
    UpdateDeal,
)
from ledger.rules.events import BalancesGranted, GrantSource, ProductOriginated
from ledger.rules.facts import Facts, stream_id
from ledger.rules.refusals.fields import OneTargetRequired

Decision = tuple[tuple[str, object], ...]
"""Pairs of stream id and event, in the order of the append."""

STATES: Final[dict[str, tuple[Any, Callable[[Any, Any], Any]]]] = {
    "company": (company.INITIAL, company.evolve),
    "asset": (asset.INITIAL, asset.evolve),
    "account": (account.INITIAL, account.evolve),
    "deal": (deal.INITIAL, deal.evolve),
    "product": (product.INITIAL, product.evolve),
    "grant": (grant.INITIAL, grant.evolve),
}
"""The state before the first event and the fold, by category."""


def decide(command: Command, facts: Facts) -> Decision:
    """Return all events of the command, or raise the Refusal of the first broken rule."""
    match command:
        case RegisterCompany() | RenameCompany() | FundCompany():
            uuid = command.company_uuid
            return _on("company", uuid, company.decide(facts.company(uuid), command, facts))
        case RegisterAsset() | RevalueAsset() | FundAsset():
            uuid = command.asset_uuid
            return _on("asset", uuid, asset.decide(facts.asset(uuid), command, facts))
        case ReverseFunding():
            return _reverse_funding(command, facts)
        case ReturnPayout():
            return _return_payout(command, facts)
        case OpenFundingAccount() | ActivateFundingAccount() | CloseFundingAccount() | PayOutFunds():
            uuid = command.account_uuid
            return _on("account", uuid, account.decide(facts.account(uuid), command, facts))
        case CreateDeal() | UpdateDeal() | ActivateDeal() | DeleteDeal():
            uuid = command.deal_uuid
            return _on("deal", uuid, deal.decide(facts.deal(uuid), command, facts))
        case OriginateProduct():
            return _originate(command, facts)
        case GrantBalances():
            return _grant(command, facts)
        case _:
            uuid = command.product_uuid
            return _on("product", uuid, product.decide(facts.product(uuid), command, facts))


def _on(category: str, uuid: UUID, events: tuple[object, ...]) -> Decision:
    return tuple((stream_id(category, uuid), event) for event in events)


def _reverse_funding(command: ReverseFunding, facts: Facts) -> Decision:
    company_uuid, asset_uuid = command.company_uuid, command.asset_uuid
    if company_uuid is not None and asset_uuid is None:
        return _on("company", company_uuid, company.decide(facts.company(company_uuid), command, facts))
    if asset_uuid is not None and company_uuid is None:
        return _on("asset", asset_uuid, asset.decide(facts.asset(asset_uuid), command, facts))
    raise OneTargetRequired


def _return_payout(command: ReturnPayout, facts: Facts) -> Decision:
    state = facts.account(command.account_uuid)
    company_uuid = state.company_uuid
    if state.status != "closed" or company_uuid is None:
        return _on("account", command.account_uuid, account.decide(state, command, facts))
    receive = ReceiveReturnedPayout(
        company_uuid, command.account_uuid, command.position, command.reason, state.returned
    )
    return _on("company", company_uuid, company.decide(facts.company(company_uuid), receive, facts))


def _originate(command: OriginateProduct, facts: Facts) -> Decision:
    [originated] = product.decide(facts.product(command.product_uuid), command, facts)
    decided = _on("product", command.product_uuid, (originated,))
    if command.asset_uuid is None or not isinstance(originated, ProductOriginated):
        return decided
    finance = FinanceAsset(command.asset_uuid, command.product_uuid, originated.principal, originated.currency)
    return decided + _on("asset", command.asset_uuid, asset.decide(facts.asset(command.asset_uuid), finance, facts))


def _grant(command: GrantBalances, facts: Facts) -> Decision:
    [granted] = grant.decide(facts.grant(command.grant_uuid), command, facts)
    decided = _on("grant", command.grant_uuid, (granted,))
    for source in granted.sources:
        decided += _debit(source, granted, command.grant_uuid, facts)
    return decided + _credits(granted, command.grant_uuid, facts)


def _debit(source: GrantSource, granted: BalancesGranted, grant_uuid: UUID, facts: Facts) -> Decision:
    uuid = source.from_uuid
    if source.from_type == "company":
        debit_company = DebitCompany(uuid, source.amount, granted.currency, grant_uuid)
        return _on("company", uuid, company.decide(facts.company(uuid), debit_company, facts))
    debit_asset = DebitAsset(uuid, source.amount, granted.currency, grant_uuid)
    return _on("asset", uuid, asset.decide(facts.asset(uuid), debit_asset, facts))


def _credits(granted: BalancesGranted, grant_uuid: UUID, facts: Facts) -> Decision:
    decided: Decision = ()
    credited: dict[UUID, account.Account] = {}
    for destination in granted.destinations:
        uuid = destination.to_company_account_uuid
        # An account may appear twice: its second credit is decided on the state after the first.
        state = credited.get(uuid) or facts.account(uuid)
        credit = CreditAccount(uuid, destination.amount, granted.currency, grant_uuid)
        [event] = account.decide(state, credit, facts)
        credited[uuid] = account.evolve(state, event)
        decided += _on("account", uuid, (event,))
    return decided
