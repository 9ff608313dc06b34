"""Companies are registered once and funded in one currency; a receipt is reversed once, with its whole amount."""

from dataclasses import replace

import pytest

from ledger.rules.commands import FundCompany, RegisterCompany, RenameCompany, ReverseFunding
from ledger.rules.events import CompanyFunded, CompanyRegistered, CompanyRenamed, FundingReversed, FundsDebited
from ledger.rules.refusals.balances import BalanceTooLarge, CurrencyMismatch, InsufficientFunds
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.existence import AlreadyExists, AlreadyReversed, NothingToReverse, UnknownCompany
from ledger.rules.refusals.fields import (
    CurrencyRequired,
    InvalidAmount,
    InvalidText,
    OneTargetRequired,
    UnknownCurrency,
)
from tests.unit.ledger.given import Given, Recorded, company, d
from tests.unit.ledger.people import AN_INVOICE, COMPANIES, GRANT, INVOICE, NOBODY, SELLER, funded_asset, funded_company

FUND = FundCompany(SELLER, d("97.6"), "wire", "USD")
REVERSE = ReverseFunding(3, "sent twice", company_uuid=SELLER)
FUNDED = COMPANIES + funded_company("100.00")


def test_a_company_is_registered() -> None:
    Given().when(RegisterCompany(SELLER, "Seller")).then(company(SELLER, CompanyRegistered("Seller")))


def test_a_company_is_renamed() -> None:
    log = Given(COMPANIES).when(RenameCompany(SELLER, "Vendor")).then(company(SELLER, CompanyRenamed("Vendor")))
    assert log.company(SELLER).name == "Vendor"


def test_a_name_is_recorded_in_its_one_form() -> None:
    Given().when(RegisterCompany(SELLER, "Cafe\u0301")).then(company(SELLER, CompanyRegistered("Caf\u00e9")))


def test_money_is_recorded_with_the_digits_of_its_currency_and_fixes_the_currency_of_the_company() -> None:
    log = Given(COMPANIES).when(FUND).then(company(SELLER, CompanyFunded(d("97.60"), "USD", "wire")))
    assert str(log.recorded[-1][1]) == str(CompanyFunded(d("97.60"), "USD", "wire"))
    assert (log.company(SELLER).currency, str(log.company(SELLER).balance)) == ("USD", "97.60")


def test_an_omitted_currency_is_that_of_the_company() -> None:
    Given(FUNDED).when(replace(FUND, currency=None)).then(company(SELLER, CompanyFunded(d("97.60"), "USD", "wire")))


def test_a_whole_receipt_is_reversed() -> None:
    log = Given(FUNDED).when(REVERSE).then(company(SELLER, FundingReversed(3, d("100.00"), "USD", "sent twice")))
    assert log.company(SELLER).balance == 0
    assert log.company(SELLER).reversed == {3}


@pytest.mark.parametrize(
    ("given", "command", "refusal"),
    [
        (COMPANIES, RegisterCompany(SELLER, ""), AlreadyExists(category="company", uuid=SELLER)),
        ((), RegisterCompany(SELLER, ""), InvalidText(field="name", reason="it is empty")),
        ((), RenameCompany(NOBODY, ""), UnknownCompany(company_uuid=NOBODY)),
        (COMPANIES, RenameCompany(SELLER, ""), InvalidText(field="name", reason="it is empty")),
        ((), FUND, UnknownCompany(company_uuid=SELLER)),
        (FUNDED, replace(FUND, currency="XAU"), UnknownCurrency(currency="XAU")),
        (FUNDED, replace(FUND, currency="usd"), UnknownCurrency(currency="usd")),
        (COMPANIES, replace(FUND, currency=""), UnknownCurrency(currency="")),
        (COMPANIES, replace(FUND, currency=None), CurrencyRequired()),
        (
            FUNDED,
            replace(FUND, currency="EUR", amount=d("0.001")),
            CurrencyMismatch(expected="USD", given="EUR"),
        ),
        (
            COMPANIES,
            replace(FUND, currency="JPY", reference=""),
            InvalidAmount(value="97.6", reason="its currency has 0 digits after the point"),
        ),
        (COMPANIES, replace(FUND, amount=d("0"), reference=""), InvalidAmount(value="0", reason="it is zero")),
        (COMPANIES, replace(FUND, reference=""), InvalidText(field="reference", reason="it is empty")),
        (
            COMPANIES + funded_company("9999999999999999.00"),
            replace(FUND, amount=d("1")),
            BalanceTooLarge(balance=d("10000000000000000.00"), currency="USD"),
        ),
    ],
)
def test_a_company_refuses(given: Recorded, command: FundCompany, refusal: Refusal) -> None:
    Given(given).when(command).refused(refusal)


@pytest.mark.parametrize(
    ("given", "command", "refusal"),
    [
        (FUNDED, ReverseFunding(3, "sent twice"), OneTargetRequired()),
        (FUNDED, replace(REVERSE, asset_uuid=INVOICE), OneTargetRequired()),
        ((), replace(REVERSE, reason=""), UnknownCompany(company_uuid=SELLER)),
        (FUNDED, replace(REVERSE, reason="", position=9), InvalidText(field="reason", reason="it is empty")),
        (
            COMPANIES + funded_company("5.00", uuid=NOBODY),
            REVERSE,
            NothingToReverse(position=3, expected="CompanyFunded", stream_id=f"company-{SELLER}"),
        ),
        (
            COMPANIES + AN_INVOICE + funded_asset("5.00"),
            replace(REVERSE, position=4),
            NothingToReverse(position=4, expected="CompanyFunded", stream_id=f"company-{SELLER}"),
        ),
        *(
            (
                FUNDED,
                replace(REVERSE, position=position),
                NothingToReverse(position=position, expected="CompanyFunded", stream_id=f"company-{SELLER}"),
            )
            for position in (-1, 0, 1, 4)
        ),
        (
            FUNDED + company(SELLER, FundingReversed(3, d("100.00"), "USD", "sent twice")),
            REVERSE,
            AlreadyReversed(position=3),
        ),
        (
            FUNDED + company(SELLER, FundsDebited(d("0.01"), "USD", GRANT)),
            REVERSE,
            InsufficientFunds(available=d("99.99"), requested=d("100.00"), currency="USD"),
        ),
    ],
)
def test_a_reversal_of_funding_is_refused(given: Recorded, command: ReverseFunding, refusal: Refusal) -> None:
    Given(given).when(command).refused(refusal)


REVERSED = funded_company("97.60") + company(SELLER, FundingReversed(3, d("97.60"), "USD", "mistyped"))


def test_a_currency_that_only_reversed_receipts_have_can_change() -> None:
    command = FundCompany(SELLER, d("500"), "wire", "JPY")
    log = Given(COMPANIES, REVERSED).when(command).then(company(SELLER, CompanyFunded(d("500"), "JPY", "wire")))
    assert (str(log.company(SELLER).balance), log.company(SELLER).currency) == ("500", "JPY")


def test_a_currency_that_only_reversed_receipts_have_is_kept_if_none_is_named() -> None:
    command = FundCompany(SELLER, d("5"), "wire")
    Given(COMPANIES, REVERSED).when(command).then(company(SELLER, CompanyFunded(d("5.00"), "USD", "wire")))


def test_a_currency_that_a_grant_has_used_cannot_change() -> None:
    funded = funded_company("5.00") + company(SELLER, FundsDebited(d("5.00"), "USD", NOBODY))
    mistyped = funded_company("97.60") + company(SELLER, FundingReversed(5, d("97.60"), "USD", "mistyped"))
    command = FundCompany(SELLER, d("500"), "wire", "JPY")
    Given(COMPANIES, funded, mistyped).when(command).refused(CurrencyMismatch(expected="USD", given="JPY"))
