"""Memberships: each member company with its deal and rating tier; the only fold over many streams."""

from dataclasses import dataclass, field
from typing import assert_never
from uuid import UUID

from ledger.rules.aggregates.deal import MEMBERSHIP
from ledger.rules.events import DealActivated, DealCreated, DealDeleted, DealEvent, DealUpdated


@dataclass(frozen=True, slots=True)
class Membership:
    """A company's membership; the empty one names no deal."""

    rating_tier: str | None = None
    deal_uuid: UUID | None = None
    activated: bool = False


EMPTY = Membership()


@dataclass(slots=True)
class Memberships:
    """The memberships by company, and the company by the deal under which it is a member."""

    by_company: dict[UUID, Membership] = field(default_factory=dict)
    company_of_deal: dict[UUID, UUID] = field(default_factory=dict)

    def of(self, company_uuid: UUID) -> Membership:
        """Return the company's membership, or the empty one."""
        return self.by_company.get(company_uuid, EMPTY)


def evolve(memberships: Memberships, deal_uuid: UUID, event: DealEvent) -> None:
    """Fold a deal event into the memberships, in place: copying them for each of a million events is too slow."""
    match event:
        case DealCreated() | DealUpdated():
            company_uuid = member_of(event)
            if company_uuid is not None and event.rating_tier is not None:
                _hold(memberships, company_uuid, deal_uuid, event.rating_tier)
        case DealActivated():
            member = memberships.company_of_deal.get(deal_uuid)
            if member is not None:
                held = memberships.by_company[member]
                memberships.by_company[member] = Membership(held.rating_tier, held.deal_uuid, activated=True)
        case DealDeleted():
            _end(memberships, deal_uuid)
        case _:
            assert_never(event)


def member_of(event: DealEvent) -> UUID | None:
    """Return the company that the terms of a membership deal make a member; None for every other event."""
    match event:
        case DealCreated(line, companies) | DealUpdated(line, companies) if line == MEMBERSHIP:
            return companies[0].company_uuid
        case _:
            return None


def _hold(memberships: Memberships, company_uuid: UUID, deal_uuid: UUID, rating_tier: str) -> None:
    _end(memberships, deal_uuid)
    replaced = memberships.of(company_uuid).deal_uuid
    if replaced is not None:
        del memberships.company_of_deal[replaced]
    memberships.by_company[company_uuid] = Membership(rating_tier, deal_uuid)
    memberships.company_of_deal[deal_uuid] = company_uuid


def _end(memberships: Memberships, deal_uuid: UUID) -> None:
    company_uuid = memberships.company_of_deal.pop(deal_uuid, None)
    if company_uuid is not None:
        del memberships.by_company[company_uuid]
