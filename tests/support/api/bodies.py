"""A valid body for each command, on a ledger that accepts it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

from eventstore import store
from eventstore.records import Appended, Context, NewEvent
from ledger.rules.commands import (
    ApplyPayment,
    Command,
    Destination,
    FundCompany,
    GrantBalances,
    PayOutFunds,
    RecordRecovery,
    Source,
    WaiveLateFee,
    WriteOffProduct,
)
from ledger.rules.events import LateFeeIncurred
from ledger.rules.facts import stream_id
from tests.support.ledger.portfolio import (
    do,
    new_account,
    new_asset,
    new_company,
    new_deal,
    new_product,
)

Body = dict[str, Any]


def position_of(command: Command) -> int:
    """Execute a command and return the position of its event."""
    done: Appended = do(command)
    return done.position


def funded_account(amount: str = "40.00") -> UUID:
    """Return an active account that a grant has credited."""
    company = new_company(amount)
    account = new_account(company)
    destinations = (Destination(company, account, Decimal(amount)),)
    do(GrantBalances(uuid4(), "a grant", (Source("company", company),), destinations))
    return account


def product_with_fee(amount: str = "1.00") -> UUID:
    """Return a product that owes a late fee."""
    product = new_product()
    fee = LateFeeIncurred(
        amount=Decimal(amount),
        fee_payer_company_uuid=uuid4(),
        business_date=date(2026, 3, 2),
        incurred_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
        asset_uuid=uuid4(),
        asset_value=Decimal("1000.00"),
        daily_late_fee_rate=Decimal("0.001"),
        days_overdue=1,
        currency="USD",
    )
    store.append([NewEvent(stream_id("product", product), fee)], Context("late_fees", "a cycle"))
    return product


def _fund_company() -> Body:
    return {"company_uuid": new_company(), "amount": "97.6", "currency": "USD", "reference": "wire 7"}


def _register_asset() -> Body:
    return {
        "asset_uuid": uuid4(),
        "value": "1000.00",
        "currency": "USD",
        "sender_company_uuid": new_company(),
        "receiver_company_uuid": new_company(),
        "reference": "invoice 7",
    }


def _reverse_funding() -> Body:
    company = new_company()
    position = position_of(FundCompany(company, Decimal("5.00"), "by mistake", "USD"))
    return {"company_uuid": company, "position": position, "reason": "by mistake"}


def _return_payout() -> Body:
    account = funded_account()
    position = position_of(PayOutFunds(account, Decimal("40.00"), "wire 8"))
    return {"account_uuid": account, "position": position, "reason": "the bank sent it back"}


def _create_deal() -> Body:
    companies = [{"company_uuid": new_company(), "role": "seller"}, {"company_uuid": new_company(), "role": "debtor"}]
    return {"deal_uuid": uuid4(), "product_line_id": 1, "companies": companies}


def _update_deal() -> Body:
    return _create_deal() | {"deal_uuid": new_deal()}


def _originate_product() -> Body:
    return {
        "product_uuid": uuid4(),
        "deal_uuid": new_deal(),
        "asset_uuid": new_asset("1000.00"),
        "principal": "800.00",
        "due_date": "2026-03-31",
        "daily_late_fee_rate": "0.001",
        "late_fee_payer_role": "debtor",
        "reference": "product 7",
    }


def _reverse_payment() -> Body:
    product = new_product()
    position = position_of(ApplyPayment(product, Decimal("10.00"), "wire 9"))
    return {"product_uuid": product, "position": position, "reason": "it bounced"}


def _reverse_late_fee() -> Body:
    product = product_with_fee()
    return {"product_uuid": product, "position": store.head().position, "reason": "charged in error"}


def _reverse_waiver() -> Body:
    product = product_with_fee()
    position = position_of(WaiveLateFee(product, Decimal("1.00"), "goodwill"))
    return {"product_uuid": product, "position": position, "reason": "the wrong product"}


def _written_off() -> tuple[UUID, int]:
    product = new_product()
    return product, position_of(WriteOffProduct(product, "bankrupt"))


def _reverse_write_off() -> Body:
    product, position = _written_off()
    return {"product_uuid": product, "position": position, "reason": "the wrong product"}


def _record_recovery() -> Body:
    product, _ = _written_off()
    return {"product_uuid": product, "amount": "12.34", "reference": "from the liquidator"}


def _reverse_recovery() -> Body:
    product, _ = _written_off()
    position = position_of(RecordRecovery(product, Decimal("12.34"), "from the liquidator"))
    return {"product_uuid": product, "position": position, "reason": "it was meant for another"}


def _grant_balances() -> Body:
    company = new_company("100.00")
    account = new_account(company)
    return {
        "grant_uuid": uuid4(),
        "reference": "grant 7",
        "sources": [{"from_type": "company", "from_uuid": company}, {"from_type": "asset", "from_uuid": _full_asset()}],
        "destinations": [{"to_company_uuid": company, "to_company_account_uuid": account, "amount": "150.00"}],
    }


def _full_asset() -> UUID:
    return new_asset(balance="70.00")


GOOD: Final[dict[str, tuple[Callable[[], Body], list[str]]]] = {
    "register-company": (lambda: {"company_uuid": uuid4(), "name": "Çelik & Søn"}, ["CompanyRegistered"]),
    "rename-company": (lambda: {"company_uuid": new_company(), "name": "Acme"}, ["CompanyRenamed"]),
    "fund-company": (_fund_company, ["CompanyFunded"]),
    "register-asset": (_register_asset, ["AssetRegistered"]),
    "revalue-asset": (lambda: {"asset_uuid": new_asset(), "value": "0"}, ["AssetRevalued"]),
    "fund-asset": (lambda: {"asset_uuid": new_asset(), "amount": "12.34", "reference": "cash"}, ["AssetFunded"]),
    "reverse-funding": (_reverse_funding, ["FundingReversed"]),
    "open-funding-account": (
        lambda: {"account_uuid": uuid4(), "company_uuid": new_company(), "label": "operating"},
        ["FundingAccountOpened"],
    ),
    "activate-funding-account": (
        lambda: {"account_uuid": new_account(new_company(), active=False)},
        ["FundingAccountActivated"],
    ),
    "close-funding-account": (
        lambda: {"account_uuid": new_account(new_company()), "reason": "done"},
        ["FundingAccountClosed"],
    ),
    "pay-out-funds": (
        lambda: {"account_uuid": funded_account(), "amount": "40", "reference": "wire 8"},
        ["FundsPaidOut"],
    ),
    "return-payout": (_return_payout, ["PayoutReturned"]),
    "create-deal": (_create_deal, ["DealCreated"]),
    "update-deal": (_update_deal, ["DealUpdated"]),
    "activate-deal": (lambda: {"deal_uuid": new_deal(active=False)}, ["DealActivated"]),
    "delete-deal": (lambda: {"deal_uuid": new_deal()}, ["DealDeleted"]),
    "originate-product": (_originate_product, ["ProductOriginated", "AssetFinanced"]),
    "apply-payment": (
        lambda: {"product_uuid": new_product(), "amount": "30.00", "reference": "wire 9"},
        ["PaymentApplied"],
    ),
    "reverse-payment": (_reverse_payment, ["PaymentReversed"]),
    "waive-late-fee": (
        lambda: {"product_uuid": product_with_fee(), "amount": "0.50", "reason": "goodwill"},
        ["LateFeeWaived"],
    ),
    "write-off-product": (lambda: {"product_uuid": new_product(), "reason": "bankrupt"}, ["ProductWrittenOff"]),
    "reverse-late-fee": (_reverse_late_fee, ["LateFeeReversed"]),
    "reverse-waiver": (_reverse_waiver, ["WaiverReversed"]),
    "reverse-write-off": (_reverse_write_off, ["WriteOffReversed"]),
    "record-recovery": (_record_recovery, ["RecoveryRecorded"]),
    "reverse-recovery": (_reverse_recovery, ["RecoveryReversed"]),
    "grant-balances": (_grant_balances, ["BalancesGranted", "FundsDebited", "FundsDebited", "FundsCredited"]),
}
"""By command: a function that prepares the ledger and returns a body, and the types of the recorded events."""


def good(name: str) -> Body:
    """Prepare the ledger for a command and return a body for it."""
    return GOOD[name][0]()
