"""Originating a product: under which deal, on which asset, in which currency and owed by which company."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.rules import dates, guards, money, texts
from ledger.rules.aggregates.deal import MEMBERSHIP
from ledger.rules.events import ProductOriginated
from ledger.rules.refusals.existence import AlreadyExists, UnknownAsset, UnknownDeal
from ledger.rules.refusals.products import (
    DealNotActive,
    MembershipWithoutProducts,
    ObligorNotInDeal,
    ObligorRequired,
    RoleNotPlayed,
)

if TYPE_CHECKING:
    from uuid import UUID

    from ledger.rules.aggregates.deal import Deal
    from ledger.rules.aggregates.product import Product
    from ledger.rules.commands import OriginateProduct
    from ledger.rules.facts import Facts


def originate(state: Product, command: OriginateProduct, facts: Facts) -> ProductOriginated:
    """Return the origination, or raise the refusal of the first broken rule."""
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
