"""Deals name companies in roles; after each update a deal must be activated again."""

from dataclasses import replace

import pytest

from ledger.rules.commands import ActivateDeal, CreateDeal, DeleteDeal, UpdateDeal
from ledger.rules.events import DealActivated, DealCompany, DealCreated, DealDeleted, DealUpdated
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.existence import AlreadyActive, AlreadyExists, UnknownCompany, UnknownDeal
from ledger.rules.refusals.fields import InvalidText, UnknownProductLine
from ledger.rules.refusals.products import (
    CompanyTwiceInRole,
    DealIsDeleted,
    DealWithoutCompanies,
    MembershipCompanyCount,
    ProductLineFixed,
    RatingTierNotAllowed,
    RatingTierRequired,
)
from tests.unit.ledger.given import Given, Recorded, deal
from tests.unit.ledger.people import (
    ACTIVE_DEAL,
    COMPANIES,
    CREATED,
    CUSTOMER,
    DEAL,
    NOBODY,
    PRODUCT,
    ROLES,
    SELLER,
    originated,
)

CREATE = CreateDeal(DEAL, 1, ROLES)
UPDATE = UpdateDeal(DEAL, 1, ROLES)
DELETED = deal(DEAL, DealDeleted())
MEMBER = (DealCompany(SELLER, "member"),)
MEMBERSHIP = COMPANIES + deal(DEAL, DealCreated(4, MEMBER, "gold"))
STRANGER = (*ROLES, DealCompany(NOBODY, "debtor"))
TWICE = (*STRANGER, ROLES[0])
UNNAMED = (*TWICE, DealCompany(SELLER, ""))

BAD_TERMS = [
    (5, (), "gold", UnknownProductLine(product_line_id=5)),
    (0, (), "gold", UnknownProductLine(product_line_id=0)),
    (1, (), "gold", DealWithoutCompanies()),
    (1, UNNAMED, "gold", InvalidText(field="role", reason="it is empty")),
    (1, TWICE, "gold", CompanyTwiceInRole(company_uuid=SELLER, role="seller")),
    (1, STRANGER, "gold", RatingTierNotAllowed(product_line_id=1)),
    (3, ROLES, "", RatingTierNotAllowed(product_line_id=3)),
    (4, (), "gold", DealWithoutCompanies()),
    (4, STRANGER, None, MembershipCompanyCount(count=3)),
    (4, STRANGER[2:], None, RatingTierRequired()),
    (4, STRANGER[2:], "", InvalidText(field="rating_tier", reason="it is empty")),
    (4, STRANGER[2:], "gold", UnknownCompany(company_uuid=NOBODY)),
    (1, STRANGER, None, UnknownCompany(company_uuid=NOBODY)),
]


@pytest.mark.parametrize("line", [1, 2, 3])
def test_a_deal_is_created_with_its_companies_and_is_not_yet_active(line: int) -> None:
    log = Given(COMPANIES).when(replace(CREATE, product_line_id=line)).then(deal(DEAL, DealCreated(line, ROLES)))
    made = log.deal(DEAL)
    assert (made.product_line_id, made.companies, made.rating_tier, made.status) == (line, ROLES, None, "created")


def test_a_membership_deal_has_one_company_and_a_rating_tier() -> None:
    log = Given(COMPANIES).when(CreateDeal(DEAL, 4, MEMBER, "gold")).then(deal(DEAL, DealCreated(4, MEMBER, "gold")))
    assert log.deal(DEAL).rating_tier == "gold"


def test_a_company_may_play_two_roles_and_a_role_may_be_played_by_two() -> None:
    companies = (*ROLES, DealCompany(SELLER, "debtor"))
    Given(COMPANIES).when(replace(CREATE, companies=companies)).then(deal(DEAL, DealCreated(1, companies)))


def test_an_update_sets_the_deal_back_to_created_and_it_can_be_activated_again() -> None:
    log = Given(COMPANIES, ACTIVE_DEAL).when(UPDATE).then(deal(DEAL, DealUpdated(1, ROLES)))
    assert log.deal(DEAL).status == "created"
    log.when(ActivateDeal(DEAL))
    assert log.deal(DEAL).status == "active"


def test_updating_or_deleting_a_deal_leaves_its_products_as_originated() -> None:
    log = Given(COMPANIES, ACTIVE_DEAL, originated(asset_uuid=None)).log
    before = log.product(PRODUCT)
    log.when(UpdateDeal(DEAL, 1, MEMBER))
    log.when(DeleteDeal(DEAL))
    assert log.product(PRODUCT) == before


@pytest.mark.parametrize("given", [CREATED, ACTIVE_DEAL], ids=["created", "active"])
def test_a_deleted_deal_still_exists(given: Recorded) -> None:
    log = Given(given).when(DeleteDeal(DEAL)).then(DELETED)
    assert (log.deal(DEAL).status, log.deal(DEAL).exists, log.deal(DEAL).companies) == ("deleted", True, ROLES)


@pytest.mark.parametrize(("line", "companies", "tier", "refusal"), BAD_TERMS)
def test_creating_a_deal_with_bad_terms_is_refused(
    line: int, companies: tuple[DealCompany, ...], tier: str | None, refusal: Refusal
) -> None:
    Given(COMPANIES).when(CreateDeal(DEAL, line, companies, tier)).refused(refusal)


@pytest.mark.parametrize(("line", "companies", "tier", "refusal"), [terms for terms in BAD_TERMS if terms[0] in {1, 4}])
def test_updating_a_deal_to_bad_terms_is_refused(
    line: int, companies: tuple[DealCompany, ...], tier: str | None, refusal: Refusal
) -> None:
    given = MEMBERSHIP if line == 4 else COMPANIES + CREATED
    Given(given).when(UpdateDeal(DEAL, line, companies, tier)).refused(refusal)


@pytest.mark.parametrize(
    ("given", "command", "refusal"),
    [
        (CREATED, replace(CREATE, product_line_id=5), AlreadyExists(category="deal", uuid=DEAL)),
        (CREATED + DELETED, CREATE, AlreadyExists(category="deal", uuid=DEAL)),
        ((), replace(UPDATE, product_line_id=5), UnknownDeal(deal_uuid=DEAL)),
        (CREATED + DELETED, replace(UPDATE, product_line_id=5), DealIsDeleted(deal_uuid=DEAL)),
        (CREATED, replace(UPDATE, product_line_id=5), ProductLineFixed(product_line_id=1, requested=5)),
        (MEMBERSHIP, UpdateDeal(DEAL, 1, ROLES), ProductLineFixed(product_line_id=4, requested=1)),
        ((), ActivateDeal(DEAL), UnknownDeal(deal_uuid=DEAL)),
        (ACTIVE_DEAL + DELETED, ActivateDeal(DEAL), DealIsDeleted(deal_uuid=DEAL)),
        (ACTIVE_DEAL, ActivateDeal(DEAL), AlreadyActive(category="deal", uuid=DEAL)),
        ((), DeleteDeal(DEAL), UnknownDeal(deal_uuid=DEAL)),
        (CREATED + DELETED, DeleteDeal(DEAL), DealIsDeleted(deal_uuid=DEAL)),
    ],
)
def test_a_deal_refuses(given: Recorded, command: DeleteDeal, refusal: Refusal) -> None:
    Given(given).when(command).refused(refusal)


def test_activation_is_recorded() -> None:
    Given(CREATED).when(ActivateDeal(DEAL)).then(deal(DEAL, DealActivated()))


def test_the_companies_in_a_role_are_in_the_order_of_the_deal() -> None:
    companies = (DealCompany(CUSTOMER, "debtor"), *ROLES[:1], DealCompany(SELLER, "debtor"))
    log = Given(deal(DEAL, DealCreated(1, companies))).log
    assert log.deal(DEAL).players("debtor") == (CUSTOMER, SELLER)


def test_two_spellings_of_a_role_are_one_role_spelt_as_its_first_player_has_it() -> None:
    roles = (DealCompany(SELLER, "فروش\u200cنده"), DealCompany(CUSTOMER, "فروشنده"))
    recorded = DealCreated(1, (roles[0], DealCompany(CUSTOMER, "فروش\u200cنده")))
    Given(COMPANIES).when(CreateDeal(DEAL, 1, roles)).then(deal(DEAL, recorded))
    twice = (roles[0], DealCompany(SELLER, "فروشنده"))
    refusal = CompanyTwiceInRole(company_uuid=SELLER, role="فروش\u200cنده")
    Given(COMPANIES).when(CreateDeal(DEAL, 1, twice)).refused(refusal)
