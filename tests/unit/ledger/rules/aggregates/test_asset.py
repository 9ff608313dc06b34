"""Assets are registered between two companies, revalued and funded; only grants debit them."""

from dataclasses import replace

import pytest

from ledger.rules.commands import FundAsset, RegisterAsset, RevalueAsset, ReverseFunding
from ledger.rules.events import AssetFunded, AssetRevalued, FundingReversed, FundsDebited
from ledger.rules.refusals.balances import BalanceTooLarge, CurrencyMismatch, InsufficientFunds, SenderIsReceiver
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.existence import (
    AlreadyExists,
    AlreadyReversed,
    NothingToReverse,
    UnknownAsset,
    UnknownCompany,
)
from ledger.rules.refusals.fields import CurrencyRequired, InvalidAmount, InvalidText, UnknownCurrency
from tests.unit.ledger.given import Given, Recorded, asset, d
from tests.unit.ledger.people import (
    AN_INVOICE,
    COMPANIES,
    CUSTOMER,
    GRANT,
    INVOICE,
    NOBODY,
    OTHER_PRODUCT,
    PRODUCT,
    SELLER,
    funded_asset,
    originated,
)

REGISTER = RegisterAsset(INVOICE, d("1000"), SELLER, CUSTOMER, "invoice 7", "USD")
FUND = FundAsset(INVOICE, d("50"), "collected")
REVALUE = RevalueAsset(INVOICE, d("900"))
REVERSE = ReverseFunding(4, "bounced", asset_uuid=INVOICE)
REGISTERED = COMPANIES + AN_INVOICE
FUNDED = REGISTERED + funded_asset("100.00")


def test_an_asset_is_registered_with_a_balance_of_zero_in_its_currency() -> None:
    log = Given(COMPANIES).when(REGISTER).then(AN_INVOICE)
    invoice = log.asset(INVOICE)
    assert (str(invoice.value), str(invoice.balance), invoice.currency) == ("1000.00", "0.00", "USD")
    assert (invoice.sender_company_uuid, invoice.receiver_company_uuid) == (SELLER, CUSTOMER)
    assert (invoice.reference, invoice.product_uuid) == ("invoice 7", None)


@pytest.mark.parametrize("value", ["900.00", "0.00"])
def test_an_asset_is_revalued_even_to_zero(value: str) -> None:
    log = Given(REGISTERED).when(replace(REVALUE, value=d(value))).then(asset(INVOICE, AssetRevalued(d(value), "USD")))
    assert log.asset(INVOICE).value == d(value)


def test_collected_cash_changes_the_balance_and_not_the_value() -> None:
    log = Given(FUNDED).when(FUND).then(asset(INVOICE, AssetFunded(d("50.00"), "USD", "collected")))
    assert (log.asset(INVOICE).balance, log.asset(INVOICE).value) == (d("150.00"), d("1000.00"))


def test_a_whole_receipt_of_an_asset_is_reversed() -> None:
    log = Given(FUNDED).when(REVERSE).then(asset(INVOICE, FundingReversed(4, d("100.00"), "USD", "bounced")))
    assert log.asset(INVOICE).balance == 0


def test_an_asset_names_the_product_that_was_last_originated_on_it() -> None:
    invoice = Given(REGISTERED, originated(), originated(uuid=OTHER_PRODUCT)).log.asset(INVOICE)
    assert (invoice.products, invoice.product_uuid) == ((PRODUCT, OTHER_PRODUCT), OTHER_PRODUCT)


@pytest.mark.parametrize(
    ("given", "command", "refusal"),
    [
        (REGISTERED, replace(REGISTER, currency=None), AlreadyExists(category="asset", uuid=INVOICE)),
        (COMPANIES, replace(REGISTER, currency=None, value=d("0")), CurrencyRequired()),
        (COMPANIES, replace(REGISTER, currency="XXX", value=d("0")), UnknownCurrency(currency="XXX")),
        (
            COMPANIES,
            replace(REGISTER, value=d("0"), reference=""),
            InvalidAmount(field="value", value="0", reason="it is zero"),
        ),
        (
            COMPANIES,
            replace(REGISTER, reference="", sender_company_uuid=CUSTOMER),
            InvalidText(field="reference", reason="it is empty"),
        ),
        (
            COMPANIES,
            replace(REGISTER, sender_company_uuid=NOBODY, receiver_company_uuid=NOBODY),
            SenderIsReceiver(company_uuid=NOBODY),
        ),
        (
            (),
            replace(REGISTER, receiver_company_uuid=NOBODY),
            UnknownCompany(company_uuid=SELLER),
        ),
        (COMPANIES, replace(REGISTER, receiver_company_uuid=NOBODY), UnknownCompany(company_uuid=NOBODY)),
    ],
)
def test_registering_an_asset_is_refused(given: Recorded, command: RegisterAsset, refusal: Refusal) -> None:
    Given(given).when(command).refused(refusal)


@pytest.mark.parametrize(
    ("given", "command", "refusal"),
    [
        ((), replace(REVALUE, currency="XXX"), UnknownAsset(asset_uuid=INVOICE)),
        (REGISTERED, replace(REVALUE, currency="XXX"), UnknownCurrency(currency="XXX")),
        (FUNDED, replace(REVALUE, currency="EUR", value=d("-1")), CurrencyMismatch(expected="USD", given="EUR")),
        (
            REGISTERED,
            replace(REVALUE, value=d("-1")),
            InvalidAmount(field="value", value="-1", reason="it is below zero"),
        ),
        ((), replace(FUND, currency="XXX"), UnknownAsset(asset_uuid=INVOICE)),
        (REGISTERED, replace(FUND, currency="EUR", amount=d("0")), CurrencyMismatch(expected="USD", given="EUR")),
        (REGISTERED, replace(FUND, amount=d("0"), reference=""), InvalidAmount(value="0", reason="it is zero")),
        (REGISTERED, replace(FUND, reference=""), InvalidText(field="reference", reason="it is empty")),
        (
            REGISTERED + funded_asset("9999999999999999.99"),
            replace(FUND, amount=d("0.01")),
            BalanceTooLarge(balance=d("10000000000000000.00"), currency="USD"),
        ),
        ((), replace(REVERSE, reason=""), UnknownAsset(asset_uuid=INVOICE)),
        (FUNDED, replace(REVERSE, reason="", position=3), InvalidText(field="reason", reason="it is empty")),
        (
            FUNDED,
            replace(REVERSE, position=3),
            NothingToReverse(position=3, expected="AssetFunded", stream_id=f"asset-{INVOICE}"),
        ),
        (
            FUNDED + funded_asset("100.00") + asset(INVOICE, FundingReversed(4, d("100.00"), "USD", "bounced")),
            REVERSE,
            AlreadyReversed(position=4),
        ),
        (
            FUNDED + asset(INVOICE, FundsDebited(d("60.00"), "USD", GRANT)),
            REVERSE,
            InsufficientFunds(available=d("40.00"), requested=d("100.00"), currency="USD"),
        ),
    ],
)
def test_an_asset_refuses(given: Recorded, command: FundAsset, refusal: Refusal) -> None:
    Given(given).when(command).refused(refusal)


def test_a_currency_that_no_money_has_is_corrected_by_a_revaluation() -> None:
    mistyped = funded_asset("5.00") + asset(INVOICE, FundingReversed(4, d("5.00"), "USD", "mistyped"))
    revalued = asset(INVOICE, AssetRevalued(d("900"), "JPY"))
    log = Given(COMPANIES, AN_INVOICE, mistyped).when(RevalueAsset(INVOICE, d("900"), "JPY")).then(revalued)
    state = log.asset(INVOICE)
    assert (str(state.value), str(state.balance), state.currency) == ("900", "0", "JPY")


@pytest.mark.parametrize("given", [funded_asset("5.00"), originated()[1:]], ids=["funded", "financed"])
def test_a_currency_that_is_used_is_not_changed_by_a_revaluation(given: Recorded) -> None:
    command = RevalueAsset(INVOICE, d("900"), "JPY")
    Given(COMPANIES, AN_INVOICE, given).when(command).refused(CurrencyMismatch(expected="USD", given="JPY"))
