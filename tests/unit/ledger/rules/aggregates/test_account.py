"""Funding accounts are pending, active or closed for good, and pay out no more than they hold."""

from dataclasses import replace

import pytest

from ledger.rules.commands import (
    ActivateFundingAccount,
    CloseFundingAccount,
    OpenFundingAccount,
    PayOutFunds,
    ReturnPayout,
)
from ledger.rules.events import (
    FundingAccountActivated,
    FundingAccountClosed,
    FundsCredited,
    FundsPaidOut,
    PayoutReturned,
    PayoutReturnedToCompany,
)
from ledger.rules.refusals.balances import (
    AccountIsClosed,
    AccountNotActive,
    AccountNotEmpty,
    BalanceTooLarge,
    CurrencyMismatch,
    InsufficientFunds,
)
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.existence import (
    AlreadyActive,
    AlreadyClosed,
    AlreadyExists,
    AlreadyReversed,
    NothingToReverse,
    UnknownAccount,
    UnknownCompany,
)
from ledger.rules.refusals.fields import CurrencyRequired, InvalidAmount, InvalidText
from tests.unit.ledger.given import Given, Recorded, account, company, d
from tests.unit.ledger.people import (
    ACCOUNT,
    ACTIVE,
    COMPANIES,
    GRANT,
    NOBODY,
    OPENED,
    OTHER_ACCOUNT,
    SELLER,
    funded_company,
)

OPEN = OpenFundingAccount(ACCOUNT, SELLER, "operating")
ACTIVATE = ActivateFundingAccount(ACCOUNT)
CLOSE = CloseFundingAccount(ACCOUNT, "moved bank")
PAY_OUT = PayOutFunds(ACCOUNT, d("40"), "transfer 9")
RETURN = ReturnPayout(ACCOUNT, 4, "wrong number")
CREDITED = ACTIVE + account(ACCOUNT, FundsCredited(d("100.00"), "USD", GRANT))
PAID_OUT = CREDITED + account(ACCOUNT, FundsPaidOut(d("40.00"), "USD", "transfer 9"))
CLOSED = account(ACCOUNT, FundingAccountClosed("moved bank"))
PAID_ALL = account(ACCOUNT, FundsPaidOut(d("100.00"), "USD", "transfer 9"))
RETURNED = account(ACCOUNT, PayoutReturned(4, d("100.00"), "USD", "wrong number"))
EMPTIED = CREDITED + PAID_ALL


def test_an_account_is_opened_pending_then_activated() -> None:
    log = Given(COMPANIES).when(OPEN).then(OPENED)
    assert (log.account(ACCOUNT).status, log.account(ACCOUNT).currency) == ("pending", None)
    log.when(ACTIVATE)
    assert log.recorded[-1] == (f"account-{ACCOUNT}", FundingAccountActivated())
    assert log.account(ACCOUNT).status == "active"


@pytest.mark.parametrize("given", [OPENED, ACTIVE], ids=["pending", "active"])
def test_an_account_closes_at_balance_zero(given: Recorded) -> None:
    assert Given(given).when(CLOSE).then(CLOSED).account(ACCOUNT).status == "closed"


def test_a_payout_can_empty_the_account() -> None:
    command = replace(PAY_OUT, amount=d("100"))
    log = Given(CREDITED).when(command).then(account(ACCOUNT, FundsPaidOut(d("100.00"), "USD", "transfer 9")))
    assert (log.account(ACCOUNT).balance, log.account(ACCOUNT).currency) == (d("0"), "USD")


def test_a_whole_payout_is_returned() -> None:
    log = Given(PAID_OUT).when(RETURN).then(account(ACCOUNT, PayoutReturned(4, d("40.00"), "USD", "wrong number")))
    assert log.account(ACCOUNT).balance == d("100.00")


def test_a_payout_that_comes_back_to_a_closed_account_goes_to_the_balance_of_its_company() -> None:
    returned = company(SELLER, PayoutReturnedToCompany(4, ACCOUNT, d("100.00"), "USD", "wrong number"))
    log = Given(EMPTIED + CLOSED + COMPANIES).when(RETURN).then(returned)
    assert (log.company(SELLER).balance, log.company(SELLER).currency) == (d("100.00"), "USD")
    assert (log.account(ACCOUNT).balance, log.account(ACCOUNT).status) == (d("0.00"), "closed")


@pytest.mark.parametrize(
    ("given", "command", "refusal"),
    [
        (OPENED, replace(OPEN, label=""), AlreadyExists(category="account", uuid=ACCOUNT)),
        ((), replace(OPEN, label=""), InvalidText(field="label", reason="it is empty")),
        (COMPANIES, replace(OPEN, company_uuid=NOBODY), UnknownCompany(company_uuid=NOBODY)),
        ((), ACTIVATE, UnknownAccount(account_uuid=ACCOUNT)),
        (OPENED + CLOSED, ACTIVATE, AccountIsClosed(account_uuid=ACCOUNT)),
        (ACTIVE, ACTIVATE, AlreadyActive(category="account", uuid=ACCOUNT)),
        ((), CLOSE, UnknownAccount(account_uuid=ACCOUNT)),
        (OPENED + CLOSED, CLOSE, AlreadyClosed(account_uuid=ACCOUNT)),
        (CREDITED, replace(CLOSE, reason=""), InvalidText(field="reason", reason="it is empty")),
        (CREDITED, CLOSE, AccountNotEmpty(account_uuid=ACCOUNT, balance=d("100.00"), currency="USD")),
        ((), PAY_OUT, UnknownAccount(account_uuid=ACCOUNT)),
        (OPENED, PAY_OUT, AccountNotActive(account_uuid=ACCOUNT, status="pending")),
        (ACTIVE + CLOSED, PAY_OUT, AccountNotActive(account_uuid=ACCOUNT, status="closed")),
        (ACTIVE, replace(PAY_OUT, amount=d("0")), CurrencyRequired()),
        (
            CREDITED,
            replace(PAY_OUT, currency="EUR", amount=d("0")),
            CurrencyMismatch(expected="USD", given="EUR"),
        ),
        (CREDITED, replace(PAY_OUT, amount=d("0"), reference=""), InvalidAmount(value="0", reason="it is zero")),
        (
            CREDITED,
            replace(PAY_OUT, amount=d("101"), reference=""),
            InvalidText(field="reference", reason="it is empty"),
        ),
        (
            CREDITED,
            replace(PAY_OUT, amount=d("100.01")),
            InsufficientFunds(available=d("100.00"), requested=d("100.01"), currency="USD"),
        ),
        ((), RETURN, UnknownAccount(account_uuid=ACCOUNT)),
        (OPENED, RETURN, AccountNotActive(account_uuid=ACCOUNT, status="pending")),
        (EMPTIED + CLOSED, replace(RETURN, reason=""), InvalidText(field="reason", reason="it is empty")),
        (
            EMPTIED + CLOSED + company(SELLER, PayoutReturnedToCompany(4, ACCOUNT, d("100.00"), "USD", "closed")),
            RETURN,
            AlreadyReversed(position=4),
        ),
        (
            CREDITED + PAID_ALL + RETURNED + PAID_ALL + CLOSED,
            RETURN,
            AlreadyReversed(position=4),
        ),
        (
            EMPTIED + CLOSED + COMPANIES + funded_company("1.00", currency="EUR"),
            RETURN,
            CurrencyMismatch(expected="EUR", given="USD"),
        ),
        (
            EMPTIED + CLOSED + COMPANIES + funded_company("9999999999999900.00"),
            RETURN,
            BalanceTooLarge(balance=d("10000000000000000.00"), currency="USD"),
        ),
        (PAID_OUT, replace(RETURN, reason="", position=3), InvalidText(field="reason", reason="it is empty")),
        (
            PAID_OUT,
            replace(RETURN, position=3),
            NothingToReverse(position=3, expected="FundsPaidOut", stream_id=f"account-{ACCOUNT}"),
        ),
        (
            CREDITED + account(OTHER_ACCOUNT, FundsPaidOut(d("40.00"), "USD", "transfer 9")),
            RETURN,
            NothingToReverse(position=4, expected="FundsPaidOut", stream_id=f"account-{ACCOUNT}"),
        ),
        (
            PAID_OUT + account(ACCOUNT, PayoutReturned(4, d("40.00"), "USD", "wrong number")),
            RETURN,
            AlreadyReversed(position=4),
        ),
        (
            PAID_OUT + account(ACCOUNT, FundsCredited(d("9999999999999900.00"), "USD", GRANT)),
            RETURN,
            BalanceTooLarge(balance=d("10000000000000000.00"), currency="USD"),
        ),
    ],
)
def test_an_account_refuses(given: Recorded, command: PayOutFunds, refusal: Refusal) -> None:
    Given(given).when(command).refused(refusal)
