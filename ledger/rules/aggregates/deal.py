"""A deal: its product line, and the companies with their roles."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal, assert_never
from uuid import UUID

from ledger.rules import guards, texts
from ledger.rules.commands import ActivateDeal, CreateDeal, DealCommand, DeleteDeal, UpdateDeal
from ledger.rules.events import DealActivated, DealCompany, DealCreated, DealDeleted, DealEvent, DealUpdated
from ledger.rules.facts import Facts
from ledger.rules.refusals.existence import AlreadyActive, AlreadyExists, UnknownDeal
from ledger.rules.refusals.fields import UnknownProductLine
from ledger.rules.refusals.products import (
    CompanyTwiceInRole,
    DealIsDeleted,
    DealWithoutCompanies,
    MembershipCompanyCount,
    ProductLineFixed,
    RatingTierNotAllowed,
    RatingTierRequired,
)
from ledger.rules.replacing import replace

PRODUCT_LINES: Final = {1: "receivables purchase", 2: "payables finance", 3: "inventory finance", 4: "membership"}
"""The names of the product lines, by number."""
MEMBERSHIP: Final = 4
"""The product line whose deals make a company a member."""


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal; a deleted one still exists, because its products stay."""

    exists: bool = False
    product_line_id: int = 0
    companies: tuple[DealCompany, ...] = ()
    rating_tier: str | None = None
    status: Literal["created", "active", "deleted"] = "created"

    def players(self, role: str) -> tuple[UUID, ...]:
        """Return the companies that play a role, in the deal's order."""
        return tuple(company.company_uuid for company in self.companies if company.role == role)

    def spelling(self, role: str) -> str:
        """Return a role as the deal spells it, or as it is given if nobody plays it. See Note [Identity of text]."""
        same = (known.role for known in self.companies if texts.identity(known.role) == texts.identity(role))
        return next(same, role)


INITIAL = Deal()


def decide(state: Deal, command: DealCommand, facts: Facts) -> tuple[DealEvent, ...]:
    """Return the events of the command, or raise the refusal of the first broken rule."""
    match command:
        case CreateDeal():
            return (_create(state, command, facts),)
        case UpdateDeal():
            return (_update(state, command, facts),)
        case ActivateDeal():
            return (_activate(state, command),)
        case DeleteDeal():
            return (_delete(state, command),)
        case _:
            assert_never(command)


def evolve(state: Deal, event: DealEvent) -> Deal:
    """Return the deal after the event."""
    match event:
        case DealCreated(line, companies, rating_tier) | DealUpdated(line, companies, rating_tier):
            return Deal(exists=True, product_line_id=line, companies=companies, rating_tier=rating_tier)
        case DealActivated():
            return replace(state, status="active")
        case DealDeleted():
            return replace(state, status="deleted")
        case _:
            assert_never(event)


def _create(state: Deal, command: CreateDeal, facts: Facts) -> DealCreated:
    if state.exists:
        raise AlreadyExists(category="deal", uuid=command.deal_uuid)
    return DealCreated(*_terms(command, facts))


def _update(state: Deal, command: UpdateDeal, facts: Facts) -> DealUpdated:
    _must_stand(state, command.deal_uuid)
    if command.product_line_id != state.product_line_id:
        raise ProductLineFixed(product_line_id=state.product_line_id, requested=command.product_line_id)
    return DealUpdated(*_terms(command, facts))


def _activate(state: Deal, command: ActivateDeal) -> DealActivated:
    _must_stand(state, command.deal_uuid)
    if state.status == "active":
        raise AlreadyActive(category="deal", uuid=command.deal_uuid)
    return DealActivated()


def _delete(state: Deal, command: DeleteDeal) -> DealDeleted:
    _must_stand(state, command.deal_uuid)
    return DealDeleted()


def _must_stand(state: Deal, deal_uuid: UUID) -> None:
    if not state.exists:
        raise UnknownDeal(deal_uuid=deal_uuid)
    if state.status == "deleted":
        raise DealIsDeleted(deal_uuid=deal_uuid)


def _terms(command: CreateDeal | UpdateDeal, facts: Facts) -> tuple[int, tuple[DealCompany, ...], str | None]:
    if command.product_line_id not in PRODUCT_LINES:
        raise UnknownProductLine(product_line_id=command.product_line_id)
    companies = _companies(command.companies)
    rating_tier = _rating_tier(command)
    for company in companies:
        guards.registered(company.company_uuid, facts)
    return command.product_line_id, companies, rating_tier


def _companies(given: tuple[DealCompany, ...]) -> tuple[DealCompany, ...]:
    """Return the companies with their roles; a role of several companies is spelt as the first of them spells it."""
    if not given:
        raise DealWithoutCompanies
    spellings: dict[str, str] = {}
    companies: list[DealCompany] = []
    for company in given:
        role = texts.text("role", company.role)
        companies.append(DealCompany(company.company_uuid, spellings.setdefault(texts.identity(role), role)))
    [(most_often, times)] = Counter(companies).most_common(1)
    if times > 1:
        raise CompanyTwiceInRole(company_uuid=most_often.company_uuid, role=most_often.role)
    return tuple(companies)


def _rating_tier(command: CreateDeal | UpdateDeal) -> str | None:
    if command.product_line_id != MEMBERSHIP:
        if command.rating_tier is not None:
            raise RatingTierNotAllowed(product_line_id=command.product_line_id)
        return None
    if len(command.companies) != 1:
        raise MembershipCompanyCount(count=len(command.companies))
    if command.rating_tier is None:
        raise RatingTierRequired
    return texts.text("rating_tier", command.rating_tier)
