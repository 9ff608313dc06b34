"""Products are originated under active deals, on assets of sufficient value that back no other product."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from ledger.rules.commands import OriginateProduct
from ledger.rules.events import (
    AssetRevalued,
    DealActivated,
    DealCompany,
    DealCreated,
    DealDeleted,
    DealUpdated,
    PaymentApplied,
    PaymentReversed,
    ProductOriginated,
    ProductWrittenOff,
)
from ledger.rules.refusals.balances import CurrencyMismatch
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.existence import AlreadyExists, UnknownAsset, UnknownDeal
from ledger.rules.refusals.fields import (
    CurrencyRequired,
    InvalidAmount,
    InvalidDate,
    InvalidRate,
    InvalidText,
    UnknownCurrency,
)
from ledger.rules.refusals.products import (
    AssetAlreadyFinanced,
    DealNotActive,
    MembershipWithoutProducts,
    ObligorNotInDeal,
    ObligorRequired,
    PrincipalExceedsValue,
    RoleNotPlayed,
)
from tests.unit.ledger.given import Given, Recorded, asset, d, deal, product
from tests.unit.ledger.people import (
    ACTIVE_DEAL,
    AN_INVOICE,
    COMPANIES,
    CREATED,
    CUSTOMER,
    DEAL,
    INVOICE,
    NOBODY,
    OTHER_PRODUCT,
    PRODUCT,
    ROLES,
    SELLER,
    THIRD,
    THIRD_COMPANY,
    originated,
)

ORIGINATE = OriginateProduct(
    PRODUCT, DEAL, d("800"), date(2026, 3, 31), d("0.001"), "debtor", "product 7", asset_uuid=INVOICE
)
READY = COMPANIES + AN_INVOICE + ACTIVE_DEAL
OTHER = originated(uuid=OTHER_PRODUCT)
PAID = product(OTHER_PRODUCT, PaymentApplied(d("800.00"), d("800.00"), d("0.00"), "USD", "wire"))
REVERSED = product(OTHER_PRODUCT, PaymentReversed(8, d("800.00"), d("800.00"), d("0.00"), "USD", "bounced"))
TWO_DEBTORS = (*ROLES, DealCompany(THIRD, "debtor"))
TWO_DEBTORS_DEAL = THIRD_COMPANY + deal(DEAL, DealCreated(1, TWO_DEBTORS), DealActivated())
FINANCED = AssetAlreadyFinanced(
    asset_uuid=INVOICE, product_uuid=OTHER_PRODUCT, principal_outstanding=d("800.00"), currency="USD"
)


def test_a_product_is_originated_with_the_companies_of_the_deal_and_its_asset_is_financed() -> None:
    log = Given(READY).when(ORIGINATE).then(originated())
    made = log.product(PRODUCT)
    assert (str(made.principal_outstanding), str(made.fees_outstanding), made.status) == ("800.00", "0.00", "open")
    assert (made.obligor_company_uuid, made.companies, made.currency) == (CUSTOMER, ROLES, "USD")
    assert log.asset(INVOICE).product_uuid == PRODUCT


def test_a_product_without_an_asset_names_its_currency() -> None:
    command = replace(ORIGINATE, asset_uuid=None, currency="USD", principal=d("999999"))
    Given(READY).when(command).then(originated("999999.00", asset_uuid=None))


def test_a_principal_can_equal_the_value_of_the_asset() -> None:
    Given(READY).when(replace(ORIGINATE, principal=d("1000"))).then(originated("1000.00"))


@pytest.mark.parametrize("rate", ["0", "1", "0.00000001"])
def test_a_rate_can_be_any_fraction_from_0_to_1(rate: str) -> None:
    log = Given(READY).log
    log.when(replace(ORIGINATE, daily_late_fee_rate=d(rate)))
    assert log.product(PRODUCT).daily_late_fee_rate == d(rate)


@pytest.mark.parametrize("obligor", [SELLER, CUSTOMER, THIRD])
def test_the_obligor_can_be_any_company_of_the_deal(obligor: UUID) -> None:
    log = Given(READY, TWO_DEBTORS_DEAL).log
    log.when(replace(ORIGINATE, obligor_company_uuid=obligor))
    assert log.product(PRODUCT).obligor_company_uuid == obligor


@pytest.mark.parametrize(
    "since",
    [PAID, product(OTHER_PRODUCT, ProductWrittenOff(d("800.00"), d("0.00"), "USD", "bankrupt"))],
    ids=["paid", "written off"],
)
def test_an_asset_can_be_financed_again_when_no_principal_is_outstanding(since: Recorded) -> None:
    Given(READY, OTHER, since).when(ORIGINATE).then(originated())


def test_every_product_ever_originated_on_the_asset_is_checked() -> None:
    log = Given(READY, OTHER).log
    log.recorded += PAID
    log.when(ORIGINATE)
    assert {f"product-{OTHER_PRODUCT}", f"deal-{DEAL}", f"asset-{INVOICE}", f"product-{PRODUCT}"} <= log.looked_at


MEMBERSHIP_DEAL = deal(DEAL, DealCreated(4, ROLES[:1], "gold"), DealActivated())


def out_of_bounds(day: date) -> InvalidDate:
    return InvalidDate(field="due_date", value=day, first_date=date(1900, 1, 1), last_date=date(2999, 12, 31))


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(2999, 12, 31)])
def test_a_due_date_can_be_the_first_or_the_last_business_date(day: date) -> None:
    [(_, recorded), *_] = Given(READY).log.when(replace(ORIGINATE, due_date=day))
    assert isinstance(recorded, ProductOriginated)
    assert recorded.due_date == day


@pytest.mark.parametrize(
    ("given", "changes", "refusal"),
    [
        (READY + originated(), {"deal_uuid": NOBODY}, AlreadyExists(category="product", uuid=PRODUCT)),
        (READY, {"deal_uuid": NOBODY, "asset_uuid": NOBODY}, UnknownDeal(deal_uuid=NOBODY)),
        (COMPANIES + CREATED, {}, DealNotActive(deal_uuid=DEAL, status="created")),
        (COMPANIES + AN_INVOICE + MEMBERSHIP_DEAL, {"due_date": date.min}, MembershipWithoutProducts(deal_uuid=DEAL)),
        *(
            (READY, {"due_date": day, "daily_late_fee_rate": d("2")}, out_of_bounds(day))
            for day in (date(1899, 12, 31), date(3000, 1, 1), date.min, date.max)
        ),
        (READY + deal(DEAL, DealUpdated(1, ROLES)), {}, DealNotActive(deal_uuid=DEAL, status="created")),
        (READY + deal(DEAL, DealDeleted()), {}, DealNotActive(deal_uuid=DEAL, status="deleted")),
        (READY, {"asset_uuid": NOBODY, "currency": "XXX"}, UnknownAsset(asset_uuid=NOBODY)),
        (READY, {"asset_uuid": None, "principal": d("0")}, CurrencyRequired()),
        (READY, {"asset_uuid": None, "currency": "XXX"}, UnknownCurrency(currency="XXX")),
        (READY, {"currency": "EUR", "principal": d("0")}, CurrencyMismatch(expected="USD", given="EUR")),
        (
            READY,
            {"principal": d("0"), "daily_late_fee_rate": d("2")},
            InvalidAmount(field="principal", value="0", reason="it is zero"),
        ),
        (
            READY,
            {"daily_late_fee_rate": d("1.1"), "reference": ""},
            InvalidRate(value="1.1", reason="it is not from 0 to 1"),
        ),
        (READY, {"reference": "", "late_fee_payer_role": ""}, InvalidText(field="reference", reason="it is empty")),
        (READY, {"late_fee_payer_role": ""}, InvalidText(field="late_fee_payer_role", reason="it is empty")),
        (READY, {"late_fee_payer_role": "buyer", "obligor_company_uuid": NOBODY}, RoleNotPlayed(role="buyer")),
        (
            READY,
            {"obligor_company_uuid": NOBODY, "principal": d("1000.01")},
            ObligorNotInDeal(company_uuid=NOBODY),
        ),
        (READY + TWO_DEBTORS_DEAL, {"principal": d("1000.01")}, ObligorRequired(role="debtor", count=2)),
        (
            READY + OTHER,
            {"principal": d("1000.01")},
            PrincipalExceedsValue(principal=d("1000.01"), value=d("1000.00"), currency="USD"),
        ),
        (
            READY + asset(INVOICE, AssetRevalued(d("0.00"), "USD")),
            {},
            PrincipalExceedsValue(principal=d("800.00"), value=d("0.00"), currency="USD"),
        ),
        (READY + OTHER, {}, FINANCED),
        (READY + OTHER + PAID + originated(uuid=NOBODY) + REVERSED, {}, FINANCED),
    ],
)
def test_an_origination_is_refused(given: Recorded, changes: dict[str, Any], refusal: Refusal) -> None:
    Given(given).when(replace(ORIGINATE, **changes)).refused(refusal)
