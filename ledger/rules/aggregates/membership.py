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


Held = tuple[str, str, bool]
"""A membership as it is kept: the rating tier, the text of the deal's uuid, and whether it is activated."""


@dataclass(slots=True)
class Memberships:
    """The memberships by company, and the company by the deal under which it is a member.

    Uuids are kept as whole numbers of companies and as texts of deals: Python's garbage collector passes over both,
    and a million of them are made and found faster than objects.
    """

    by_company: dict[int, Held] = field(default_factory=dict)
    company_of_deal: dict[str, int] = field(default_factory=dict)

    def of(self, company_uuid: UUID) -> Membership:
        """Return the company's membership, or the empty one."""
        held = self.by_company.get(company_uuid.int)
        if held is None:
            return EMPTY
        rating_tier, deal, activated = held
        return Membership(rating_tier, UUID(deal), activated)


def evolve(memberships: Memberships, deal: str, event: DealEvent) -> None:
    """Fold an event of a deal into the memberships, in place: copying them for each of a million events is too slow.

    `deal` is the text of its uuid.
    """
    match event:
        case DealCreated() | DealUpdated():
            company_uuid = member_of(event)
            if company_uuid is not None and event.rating_tier is not None:
                _hold(memberships, company_uuid.int, deal, event.rating_tier)
        case DealActivated():
            member = memberships.company_of_deal.get(deal)
            if member is not None:
                rating_tier, _, _ = memberships.by_company[member]
                memberships.by_company[member] = (rating_tier, deal, True)
        case DealDeleted():
            _end(memberships, deal)
        case _:
            assert_never(event)


def member_of(event: DealEvent) -> UUID | None:
    """Return the company that the terms of a membership deal make a member; None for every other event."""
    match event:
        case DealCreated(line, companies) | DealUpdated(line, companies) if line == MEMBERSHIP:
            return companies[0].company_uuid
        case _:
            return None


def _hold(memberships: Memberships, company: int, deal: str, rating_tier: str) -> None:
    _end(memberships, deal)
    replaced = memberships.by_company.get(company)
    if replaced is not None:
        del memberships.company_of_deal[replaced[1]]
    memberships.by_company[company] = (rating_tier, deal, False)
    memberships.company_of_deal[deal] = company


def _end(memberships: Memberships, deal: str) -> None:
    company = memberships.company_of_deal.pop(deal, None)
    if company is not None:
        del memberships.by_company[company]
