"""A grant draws on its sources in the given order, credits each destination once and creates no money."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.rules.commands import Destination, GrantBalances, Source
from ledger.rules.events import (
    BalancesGranted,
    FundingAccountActivated,
    FundingAccountClosed,
    FundingAccountOpened,
    FundsCredited,
    FundsDebited,
    GrantDestination,
    GrantSource,
    PaymentApplied,
    ProductOriginated,
    ProductWrittenOff,
)
from ledger.rules.refusals.balances import (
    AccountNotActive,
    AccountOfAnotherCompany,
    BalanceTooLarge,
    CurrencyMismatch,
    InsufficientFunds,
    NoDestinations,
    NoSources,
    SourceTwice,
    SourceWithoutBalance,
)
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.existence import AlreadyExists, UnknownAccount, UnknownAsset, UnknownCompany, UnknownProduct
from ledger.rules.refusals.fields import InvalidAmount, InvalidText, UnknownCurrency, UnknownFromType
from ledger.rules.refusals.products import CompanyNotInDeal, ProductNotOpen
from tests.unit.ledger.given import Given, Recorded, account, asset, company, d, grant, product
from tests.unit.ledger.people import (
    ACCOUNT,
    ACTIVE,
    AN_INVOICE,
    COMPANIES,
    CUSTOMER,
    GRANT,
    INVOICE,
    NOBODY,
    OPENED,
    OTHER_ACCOUNT,
    PRODUCT,
    ROLES,
    SELLER,
    funded_asset,
    funded_company,
    originated,
)

FROM_INVOICE = Source("asset", INVOICE)
FROM_SELLER = Source("company", SELLER)
TO_SELLER = Destination(SELLER, ACCOUNT, d("120"))
TO_CUSTOMER = Destination(CUSTOMER, OTHER_ACCOUNT, d("30"), PRODUCT)
COMMAND = GrantBalances(GRANT, "grant 7", (FROM_INVOICE, FROM_SELLER), (TO_SELLER,))
CUSTOMERS_ACCOUNT = account(OTHER_ACCOUNT, FundingAccountOpened(CUSTOMER, "main"), FundingAccountActivated())
# An invoice of 100 and a seller of 50 dollars.
READY = COMPANIES + AN_INVOICE + ACTIVE + CUSTOMERS_ACCOUNT + funded_asset("100.00") + funded_company("50.00")

[LENT, *_] = [event for _, event in originated() if isinstance(event, ProductOriginated)]


def debited(amount: str) -> FundsDebited:
    return FundsDebited(d(amount), "USD", GRANT)


def credited(amount: str) -> FundsCredited:
    return FundsCredited(d(amount), "USD", GRANT)


def test_each_source_is_drawn_to_its_balance_before_the_next_is_touched() -> None:
    granted = BalancesGranted(
        d("120.00"),
        "USD",
        "grant 7",
        (GrantSource("asset", INVOICE, d("100.00")), GrantSource("company", SELLER, d("20.00"))),
        (GrantDestination(SELLER, ACCOUNT, d("120.00")),),
    )
    log = (
        Given(READY)
        .when(COMMAND)
        .then(
            grant(GRANT, granted),
            asset(INVOICE, debited("100.00")),
            company(SELLER, debited("20.00")),
            account(ACCOUNT, credited("120.00")),
        )
    )
    assert (log.asset(INVOICE).balance, log.company(SELLER).balance) == (d("0"), d("30.00"))
    assert (log.account(ACCOUNT).balance, log.account(ACCOUNT).currency) == (d("120.00"), "USD")
    made = log.grant(GRANT)
    assert (made.exists, made.total, made.currency, made.reference) == (True, d("120.00"), "USD", "grant 7")
    assert (made.sources, made.destinations) == (granted.sources, granted.destinations)


def test_sources_are_drawn_in_the_order_of_the_command() -> None:
    decided = Given(READY).log.when(replace(COMMAND, sources=(FROM_SELLER, FROM_INVOICE)))
    assert decided[1:3] == company(SELLER, debited("50.00")) + asset(INVOICE, debited("70.00"))


@pytest.mark.parametrize("amount", ["0.01", "100"])
def test_a_source_that_is_not_needed_is_neither_debited_nor_named(amount: str) -> None:
    granted, *moved = Given(READY).log.when(replace(COMMAND, destinations=(replace(TO_SELLER, amount=d(amount)),)))
    assert isinstance(granted[1], BalancesGranted)
    assert [source.from_uuid for source in granted[1].sources] == [INVOICE]
    assert [stream for stream, _ in moved] == [f"asset-{INVOICE}", f"account-{ACCOUNT}"]


def test_the_whole_available_balance_can_be_granted() -> None:
    log = Given(READY).log
    log.when(replace(COMMAND, destinations=(replace(TO_SELLER, amount=d("150")),)))
    assert (log.asset(INVOICE).balance, log.company(SELLER).balance, log.account(ACCOUNT).balance) == (
        d("0"),
        d("0"),
        d("150"),
    )


def test_each_destination_is_credited_once_and_can_name_a_product() -> None:
    decided = Given(READY, originated()).log.when(replace(COMMAND, destinations=(TO_SELLER, TO_CUSTOMER)))
    assert decided[-2:] == account(ACCOUNT, credited("120.00")) + account(OTHER_ACCOUNT, credited("30.00"))
    assert isinstance(decided[0][1], BalancesGranted)
    assert [to.product_uuid for to in decided[0][1].destinations] == [None, PRODUCT]


def test_an_account_that_is_named_twice_is_credited_twice() -> None:
    twice = (replace(TO_SELLER, amount=d("10")), replace(TO_SELLER, amount=d("20")))
    log = Given(READY).log
    assert log.when(replace(COMMAND, destinations=twice))[-2:] == account(ACCOUNT, credited("10.00"), credited("20.00"))
    assert log.account(ACCOUNT).balance == d("30.00")


def test_the_common_currency_can_be_named() -> None:
    assert Given(READY).log.when(replace(COMMAND, currency="USD"))


def test_a_company_and_an_asset_of_one_uuid_are_two_sources() -> None:
    same = READY + asset(SELLER, AN_INVOICE[0][1]) + funded_asset("1.00", uuid=SELLER)
    assert Given(same).log.when(replace(COMMAND, sources=(Source("asset", SELLER), FROM_SELLER, FROM_INVOICE)))


NO_ONE = Destination(NOBODY, NOBODY, d("0"), NOBODY)
CLOSED = account(ACCOUNT, FundingAccountClosed("moved"))
EMPTY = COMPANIES + AN_INVOICE + ACTIVE
IN_EUROS = account(ACCOUNT, FundsCredited(d("1.00"), "EUR", NOBODY))
MOST = "9999999999999999.99"


@pytest.mark.parametrize(
    ("given", "changes", "refusal"),
    [
        (
            READY + grant(GRANT, BalancesGranted(d("1.00"), "USD", "grant 6", (), ())),
            {"reference": ""},
            AlreadyExists(category="grant", uuid=GRANT),
        ),
        (READY, {"reference": "", "sources": ()}, InvalidText(field="reference", reason="it is empty")),
        (READY, {"sources": (), "destinations": ()}, NoSources()),
        (
            READY,
            {"sources": (Source("moon", NOBODY), FROM_SELLER, FROM_SELLER), "destinations": ()},
            SourceTwice(from_type="company", from_uuid=SELLER),
        ),
        (READY, {"sources": (Source("account", ACCOUNT),), "destinations": ()}, UnknownFromType(from_type="account")),
        (READY, {"sources": (Source("Asset", INVOICE),)}, UnknownFromType(from_type="Asset")),
        (READY, {"sources": (Source("company", NOBODY),), "destinations": ()}, UnknownCompany(company_uuid=NOBODY)),
        (READY, {"sources": (Source("asset", NOBODY),), "destinations": ()}, UnknownAsset(asset_uuid=NOBODY)),
        (EMPTY, {"destinations": ()}, SourceWithoutBalance(from_type="asset", from_uuid=INVOICE)),
        (
            EMPTY,
            {"sources": (FROM_SELLER,), "destinations": ()},
            SourceWithoutBalance(from_type="company", from_uuid=SELLER),
        ),
        (READY, {"destinations": (), "currency": "XXX"}, NoDestinations()),
        (READY, {"destinations": (TO_SELLER, NO_ONE)}, UnknownAccount(account_uuid=NOBODY)),
        (
            READY + CLOSED,
            {"destinations": (replace(NO_ONE, to_company_account_uuid=ACCOUNT),)},
            UnknownCompany(company_uuid=NOBODY),
        ),
        (
            READY + CLOSED,
            {"destinations": (replace(TO_SELLER, to_company_uuid=CUSTOMER),)},
            AccountNotActive(account_uuid=ACCOUNT, status="closed"),
        ),
        (
            COMPANIES + AN_INVOICE + OPENED + funded_asset("100.00"),
            {"sources": (FROM_INVOICE,)},
            AccountNotActive(account_uuid=ACCOUNT, status="pending"),
        ),
        (
            READY,
            {"destinations": (replace(TO_SELLER, to_company_uuid=CUSTOMER, amount=d("0")),)},
            AccountOfAnotherCompany(account_uuid=ACCOUNT, company_uuid=CUSTOMER),
        ),
        (
            READY,
            {"destinations": (replace(TO_SELLER, amount=d("0"), product_uuid=NOBODY),), "currency": "XXX"},
            InvalidAmount(value="0", reason="it is zero"),
        ),
        (
            READY,
            {"destinations": (replace(TO_SELLER, product_uuid=NOBODY),), "currency": "XXX"},
            UnknownProduct(product_uuid=NOBODY),
        ),
        (
            READY + product(PRODUCT, replace(LENT, currency="EUR")),
            {"destinations": (replace(TO_SELLER, product_uuid=PRODUCT),)},
            CurrencyMismatch(expected="USD", given="EUR"),
        ),
        *(
            (
                READY + originated() + product(PRODUCT, ended),
                {"destinations": (replace(TO_SELLER, product_uuid=PRODUCT),)},
                ProductNotOpen(product_uuid=PRODUCT, status=status),
            )
            for ended, status in (
                (PaymentApplied(d("800.00"), d("800.00"), d("0.00"), "USD", "wire"), "paid"),
                (ProductWrittenOff(d("800.00"), d("0.00"), "USD", "bankrupt"), "written_off"),
            )
        ),
        (
            READY + product(PRODUCT, replace(LENT, companies=ROLES[1:])),
            {"destinations": (replace(TO_SELLER, product_uuid=PRODUCT),)},
            CompanyNotInDeal(company_uuid=SELLER, product_uuid=PRODUCT),
        ),
        (READY, {"currency": "XXX"}, UnknownCurrency(currency="XXX")),
        (READY, {"currency": "EUR"}, CurrencyMismatch(expected="USD", given="EUR")),
        (
            READY + funded_company("500.00", uuid=CUSTOMER, currency="EUR"),
            {
                "sources": (FROM_INVOICE, Source("company", CUSTOMER)),
                "destinations": (replace(TO_SELLER, amount=d("999")),),
            },
            CurrencyMismatch(expected="USD", given="EUR"),
        ),
        (
            READY + IN_EUROS,
            {"destinations": (replace(TO_SELLER, amount=d("999")),)},
            CurrencyMismatch(expected="USD", given="EUR"),
        ),
        (
            READY,
            {"destinations": (replace(TO_SELLER, amount=d("150")), replace(TO_SELLER, amount=d("0.01")))},
            InsufficientFunds(available=d("150.00"), requested=d("150.01"), currency="USD"),
        ),
        (
            EMPTY + funded_company(MOST) + funded_asset(MOST),
            {"destinations": (replace(TO_SELLER, amount=d(MOST)), replace(TO_SELLER, amount=d("0.01")))},
            InvalidAmount(field="total", value="10000000000000000.00", reason="it has more than 18 digits"),
        ),
        (
            READY + account(ACCOUNT, FundsCredited(d("9999999999999900.00"), "USD", NOBODY)),
            {"destinations": (replace(TO_SELLER, amount=d("99.99")), replace(TO_SELLER, amount=d("0.01")))},
            BalanceTooLarge(balance=d("10000000000000000.00"), currency="USD"),
        ),
    ],
)
def test_a_grant_is_refused(given: Recorded, changes: dict[str, Any], refusal: Refusal) -> None:
    Given(given).when(replace(COMMAND, **changes)).refused(refusal)


def test_a_grant_reads_every_state_that_it_rests_on_through_the_facts() -> None:
    log = Given(READY, originated()).log
    small = (replace(TO_SELLER, amount=d("1"), product_uuid=PRODUCT),)
    log.looked_at.clear()
    log.when(replace(COMMAND, destinations=small))
    assert log.looked_at == {
        f"grant-{GRANT}",
        f"asset-{INVOICE}",
        f"company-{SELLER}",
        f"account-{ACCOUNT}",
        f"product-{PRODUCT}",
    }
