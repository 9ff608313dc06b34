"""Each aggregate checks the internal commands of grants and originations again, and refuses them if it must."""

from dataclasses import replace

import pytest

from ledger.rules.aggregates import account, asset, company
from ledger.rules.aggregates.account import CreditAccount
from ledger.rules.aggregates.asset import DebitAsset, FinanceAsset
from ledger.rules.aggregates.company import DebitCompany
from ledger.rules.commands import ReverseFunding
from ledger.rules.events import FundsCredited
from ledger.rules.refusals.balances import AccountNotActive, CurrencyMismatch, InsufficientFunds
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.existence import UnknownAccount, UnknownAsset, UnknownCompany
from ledger.rules.refusals.fields import OneTargetRequired
from tests.unit.ledger.given import Given, Recorded, d
from tests.unit.ledger.given import account as on_account
from tests.unit.ledger.people import (
    ACCOUNT,
    ACTIVE,
    AN_INVOICE,
    COMPANIES,
    GRANT,
    INVOICE,
    OPENED,
    PRODUCT,
    SELLER,
    funded_asset,
    funded_company,
)

TOO_MUCH = InsufficientFunds(available=d("5.00"), requested=d("5.01"), currency="USD")
DEBIT_ASSET = DebitAsset(INVOICE, d("5.01"), "USD", GRANT)
DEBIT_COMPANY = DebitCompany(SELLER, d("5.01"), "USD", GRANT)
CREDIT = CreditAccount(ACCOUNT, d("5.01"), "USD", GRANT)
FINANCE = FinanceAsset(INVOICE, PRODUCT, d("1.00"), "USD")


def assert_refused(raised: pytest.ExceptionInfo[Refusal], expected: Refusal) -> None:
    assert (type(raised.value), raised.value.facts) == (type(expected), expected.facts)


@pytest.mark.parametrize(
    ("given", "command", "refusal"),
    [
        ((), DEBIT_ASSET, UnknownAsset(asset_uuid=INVOICE)),
        (AN_INVOICE + funded_asset("5.00"), DEBIT_ASSET, TOO_MUCH),
        ((), FINANCE, UnknownAsset(asset_uuid=INVOICE)),
        (AN_INVOICE, replace(FINANCE, currency="EUR"), CurrencyMismatch(expected="USD", given="EUR")),
        (AN_INVOICE, ReverseFunding(1, "reason"), OneTargetRequired()),
    ],
)
def test_an_asset_is_guarded(given: Recorded, command: DebitAsset, refusal: Refusal) -> None:
    log = Given(given).log
    with pytest.raises(Refusal) as raised:
        asset.decide(log.asset(INVOICE), command, log)
    assert_refused(raised, refusal)


@pytest.mark.parametrize(
    ("given", "command", "refusal"),
    [
        ((), DEBIT_COMPANY, UnknownCompany(company_uuid=SELLER)),
        (COMPANIES + funded_company("5.00"), DEBIT_COMPANY, TOO_MUCH),
        (COMPANIES, ReverseFunding(1, "reason"), OneTargetRequired()),
    ],
)
def test_a_company_is_guarded(given: Recorded, command: DebitCompany, refusal: Refusal) -> None:
    log = Given(given).log
    with pytest.raises(Refusal) as raised:
        company.decide(log.company(SELLER), command, log)
    assert_refused(raised, refusal)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ((), UnknownAccount(account_uuid=ACCOUNT)),
        (OPENED, AccountNotActive(account_uuid=ACCOUNT, status="pending")),
        (
            ACTIVE + on_account(ACCOUNT, FundsCredited(d("1.00"), "EUR", GRANT)),
            CurrencyMismatch(expected="EUR", given="USD"),
        ),
    ],
)
def test_an_account_is_guarded(given: Recorded, refusal: Refusal) -> None:
    log = Given(given).log
    with pytest.raises(Refusal) as raised:
        account.decide(log.account(ACCOUNT), CREDIT, log)
    assert_refused(raised, refusal)
