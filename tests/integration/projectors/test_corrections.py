"""Every correction leaves the read models and the journal equal to the streams."""

from collections import defaultdict
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.consumers.registry import consumers
from ledger import states
from ledger.rules.commands import (
    ApplyPayment,
    CloseFundingAccount,
    Command,
    Destination,
    FundAsset,
    FundCompany,
    GrantBalances,
    PayOutFunds,
    RecordRecovery,
    ReturnPayout,
    RevalueAsset,
    ReverseFunding,
    ReverseLateFee,
    ReversePayment,
    ReverseRecovery,
    ReverseWaiver,
    ReverseWriteOff,
    Source,
    WaiveLateFee,
    WriteOffProduct,
)
from projectors.models import Balance, Company, FinancialProduct, JournalLine
from projectors.queries.live import live
from projectors.verification.verify import verify
from tests.support.api.bodies import product_with_fee
from tests.support.ledger.portfolio import do, new_account, new_asset, new_company

pytestmark = pytest.mark.usefixtures("database")


def at(command: Command) -> int:
    return do(command).position


def net(party: UUID) -> dict[str, int]:
    """Return debits less credits of a party's accounts, after everything is verified."""
    catch_up(*consumers.projectors)
    assert verify(lambda _done, _total: None)
    sums: dict[str, int] = defaultdict(int)
    for line in live(JournalLine).filter(party_uuid=party):
        sums[line.account] += line.debit - line.credit
    return {account: amount for account, amount in sums.items() if amount}


def row(product: UUID) -> FinancialProduct:
    return live(FinancialProduct).get(product_uuid=product)


def test_a_late_fee_a_waiver_and_a_write_off_leave_nothing_behind() -> None:
    product = product_with_fee("1.00")
    fee = store.head().position
    waived = at(WaiveLateFee(product, Decimal("0.40"), "goodwill"))
    lost = at(WriteOffProduct(product, "bankrupt"))
    accounts = net(product)
    assert (accounts["late_fee_waivers"], accounts["late_fee_write_offs"]) == (40, 60)
    assert (accounts["write_off_losses"], row(product).status) == (10_000, "written_off")
    do(ReverseWriteOff(product, lost, "the wrong product"))
    do(ReverseWaiver(product, waived, "the wrong product"))
    do(ReverseLateFee(product, fee, "charged in error"))
    assert net(product) == {"principal_receivable": 10_000, "product_funding": -10_000}
    assert (row(product).status, row(product).fees_incurred, row(product).fees_waived) == ("open", 0, 0)


def test_a_payment_that_bounces_after_a_write_off_and_a_recovery() -> None:
    product = product_with_fee("1.00")
    paid = at(ApplyPayment(product, Decimal("30.00"), "cheque"))
    do(WriteOffProduct(product, "bankrupt"))
    recovered = at(RecordRecovery(product, Decimal("20.00"), "liquidator"))
    assert (net(product)["recovery_income"], row(product).status) == (-2_000, "written_off")
    do(ReversePayment(product, paid, "the cheque bounced"))
    assert (net(product)["principal_receivable"], row(product).status) == (3_000, "open")
    do(WriteOffProduct(product, "bankrupt"))
    do(ReverseRecovery(product, recovered, "it was meant for another"))
    assert net(product) == {"product_funding": -10_000, "write_off_losses": 10_000} | {
        "late_fee_income": -100,
        "late_fee_write_offs": 100,
    }
    assert row(product).status == "written_off"


def test_a_payout_that_comes_back_to_a_closed_account_is_the_companys() -> None:
    company = new_company("50.00")
    account = new_account(company)
    to = (Destination(company, account, Decimal("50.00")),)
    do(GrantBalances(uuid4(), "a grant", (Source("company", company),), to))
    paid = at(PayOutFunds(account, Decimal("50.00"), "wire"))
    do(CloseFundingAccount(account, "moved bank"))
    do(ReturnPayout(account, paid, "no such account"))
    assert net(company) == {"clearing_in": 5_000, "company_balances": -5_000, "clearing_out": 5_000}
    assert net(account) == {"clearing_out": -5_000}
    assert live(Balance).get(entity="company", uuid=company).balance == 5_000


def test_a_mistyped_currency_of_a_company_and_of_an_asset_is_corrected() -> None:
    company = new_company()
    mistyped = at(FundCompany(company, Decimal("500.00"), "wire", "USD"))
    do(ReverseFunding(mistyped, "it was yen", company_uuid=company))
    do(FundCompany(company, Decimal(500), "wire", "JPY"))
    asset = new_asset("500.00")
    funded = at(FundAsset(asset, Decimal("5.00"), "cash"))
    do(ReverseFunding(funded, "it was yen", asset_uuid=asset))
    do(RevalueAsset(asset, Decimal(500), "JPY"))
    do(FundAsset(asset, Decimal(5), "cash"))
    assert net(company) == {"clearing_in": 500, "company_balances": -500}
    assert net(asset) == {"clearing_in": 5, "asset_balances": -5}
    assert live(Company).get(company_uuid=company).currency == "JPY"
    for entity, uuid in (("company", company), ("asset", asset)):
        balance = live(Balance).get(entity=entity, uuid=uuid)
        state = states.state(entity, uuid).state
        assert (balance.currency, balance.minor_digits, balance.balance) == ("JPY", 0, int(state.balance))
