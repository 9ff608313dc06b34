"""The latest membership deal of a company decides its membership."""

from uuid import UUID

import pytest

from ledger.rules.aggregates.membership import EMPTY, Membership, Memberships, evolve
from ledger.rules.events import DealActivated, DealCompany, DealCreated, DealDeleted, DealEvent, DealUpdated
from tests.unit.ledger.people import CUSTOMER, ROLES, SELLER

FIRST, SECOND = UUID(int=71), UUID(int=72)

History = list[tuple[UUID, DealEvent]]


def created(company_uuid: UUID = SELLER, tier: str = "gold") -> DealCreated:
    return DealCreated(4, (DealCompany(company_uuid, "member"),), tier)


def updated(company_uuid: UUID = SELLER, tier: str = "gold") -> DealUpdated:
    return DealUpdated(4, (DealCompany(company_uuid, "member"),), tier)


ACTIVATED, DELETED = DealActivated(), DealDeleted()


@pytest.mark.parametrize(
    ("history", "seller", "customer"),
    [
        pytest.param([], EMPTY, EMPTY, id="nothing happened"),
        pytest.param([(FIRST, created())], Membership("gold", FIRST), EMPTY, id="created"),
        pytest.param([(FIRST, created()), (FIRST, ACTIVATED)], Membership("gold", FIRST, True), EMPTY, id="activated"),
        pytest.param(
            [(FIRST, created()), (FIRST, ACTIVATED), (FIRST, updated(tier="tin"))],
            Membership("tin", FIRST),
            EMPTY,
            id="an update asks for activation anew",
        ),
        pytest.param(
            [(FIRST, created()), (FIRST, ACTIVATED), (FIRST, updated(CUSTOMER))],
            EMPTY,
            Membership("gold", FIRST),
            id="an update that names another company moves the membership",
        ),
        pytest.param(
            [(FIRST, created()), (FIRST, updated(CUSTOMER)), (FIRST, ACTIVATED)],
            EMPTY,
            Membership("gold", FIRST, True),
            id="a moved membership is activated where it went",
        ),
        pytest.param([(FIRST, created()), (FIRST, DELETED)], EMPTY, EMPTY, id="deleted"),
        pytest.param(
            [(FIRST, created()), (FIRST, ACTIVATED), (SECOND, created(tier="tin"))],
            Membership("tin", SECOND),
            EMPTY,
            id="a later deal replaces the earlier one",
        ),
        pytest.param(
            [(FIRST, created()), (SECOND, created(tier="tin")), (FIRST, ACTIVATED)],
            Membership("tin", SECOND),
            EMPTY,
            id="activating the replaced deal changes nothing",
        ),
        pytest.param(
            [(FIRST, created()), (SECOND, created(tier="tin")), (SECOND, ACTIVATED), (FIRST, DELETED)],
            Membership("tin", SECOND, True),
            EMPTY,
            id="deleting the replaced deal changes nothing",
        ),
        pytest.param(
            [(FIRST, created()), (SECOND, created()), (SECOND, DELETED)],
            EMPTY,
            EMPTY,
            id="deleting the later one does not revive the earlier",
        ),
        pytest.param(
            [(FIRST, created()), (SECOND, created()), (SECOND, DELETED), (FIRST, ACTIVATED)],
            EMPTY,
            EMPTY,
            id="nor does activating the earlier afterwards",
        ),
        pytest.param(
            [(FIRST, created()), (SECOND, created(tier="tin")), (SECOND, ACTIVATED), (FIRST, updated(tier="gold"))],
            Membership("gold", FIRST),
            EMPTY,
            id="updating the replaced deal counts like a new one",
        ),
        pytest.param(
            [(FIRST, created()), (SECOND, created()), (FIRST, updated(tier="tin")), (SECOND, ACTIVATED)],
            Membership("tin", FIRST),
            EMPTY,
            id="and replaces in its turn",
        ),
        pytest.param(
            [(FIRST, created()), (SECOND, created(tier="tin")), (FIRST, updated(CUSTOMER))],
            Membership("tin", SECOND),
            Membership("gold", FIRST),
            id="an update takes away only a membership held under that same deal",
        ),
        pytest.param(
            [(FIRST, created()), (SECOND, created(CUSTOMER, "tin")), (FIRST, updated(CUSTOMER)), (SECOND, DELETED)],
            EMPTY,
            Membership("gold", FIRST),
            id="a membership that moves in replaces the one that was there",
        ),
    ],
)
def test_memberships(history: History, seller: Membership, customer: Membership) -> None:
    memberships = Memberships()
    for deal_uuid, event in history:
        evolve(memberships, str(deal_uuid), event)
    assert (memberships.of(SELLER), memberships.of(CUSTOMER)) == (seller, customer)


@pytest.mark.parametrize("event", [DealCreated(1, ROLES), DealUpdated(3, ROLES), ACTIVATED, DELETED])
def test_other_deals_are_ignored(event: DealEvent) -> None:
    memberships = Memberships()
    evolve(memberships, str(FIRST), created())
    evolve(memberships, str(SECOND), event)
    assert (memberships.of(SELLER), memberships.of(CUSTOMER)) == (Membership("gold", FIRST), EMPTY)


def test_of_an_ended_membership_nothing_is_kept() -> None:
    memberships = Memberships()
    for deal_uuid, event in ((FIRST, created()), (SECOND, created()), (SECOND, DELETED), (FIRST, DELETED)):
        evolve(memberships, str(deal_uuid), event)
    assert (memberships.by_company, memberships.company_of_deal) == ({}, {})
