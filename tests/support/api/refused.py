"""A case for every refusal: it prepares the ledger and returns a refused command with the expected figures."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from ledger.rules.commands import (
    ActivateDeal,
    ActivateFundingAccount,
    ApplyPayment,
    CloseFundingAccount,
    CreateDeal,
    DeleteDeal,
    OpenFundingAccount,
    ReverseFunding,
    WaiveLateFee,
    WriteOffProduct,
)
from ledger.rules.events import DealCompany
from tests.support.api.bodies import Body, funded_account, good
from tests.support.ledger.portfolio import do, new_account, new_asset, new_company, new_deal, new_product


class Refused(NamedTuple):
    """A command, its body, the expected figures, and the pointer to the faulty field if there is one."""

    command: str
    body: Body
    figures: dict[str, Any]
    pointer: str | None = None


def _grant(*, sources: list[Body] | None = None, **destination: object) -> Body:
    body = good("grant-balances")
    body["destinations"][0] |= destination
    return body if sources is None else body | {"sources": sources}


def _company(uuid: UUID) -> Body:
    return {"from_type": "company", "from_uuid": uuid}


def _deal(**terms: object) -> Body:
    return good("create-deal") | terms


def _with(name: str, **fields: object) -> Body:
    return good(name) | fields


# a field that is wrong by itself


def invalid_amount() -> Refused:
    figures = {"field": "amount", "value": "1.234", "reason": "its currency has 2 digits after the point"}
    return Refused("grant-balances", _grant(amount="1.234"), figures, "/destinations/0/amount")


def invalid_rate() -> Refused:
    figures = {"value": "1.5", "reason": "it is not from 0 to 1"}
    body = _with("originate-product", daily_late_fee_rate="1.5")
    return Refused("originate-product", body, figures, "/daily_late_fee_rate")


def invalid_date() -> Refused:
    figures = {"field": "due_date", "value": "1024-03-31", "first_date": "1900-01-01", "last_date": "2999-12-31"}
    return Refused("originate-product", _with("originate-product", due_date="1024-03-31"), figures, "/due_date")


def invalid_text() -> Refused:
    companies = [{"company_uuid": new_company(), "role": "seller"}, {"company_uuid": new_company(), "role": "a\tb"}]
    figures = {"field": "role", "reason": "it contains control characters"}
    return Refused("create-deal", _deal(companies=companies), figures, "/companies/1/role")


def unknown_currency() -> Refused:
    return Refused("fund-company", _with("fund-company", currency="XXX"), {"currency": "XXX"}, "/currency")


def currency_required() -> Refused:
    body = good("fund-company")
    del body["currency"]
    return Refused("fund-company", body, {}, "/currency")


def unknown_product_line() -> Refused:
    return Refused("create-deal", _deal(product_line_id=5), {"product_line_id": 5}, "/product_line_id")


def unknown_from_type() -> Refused:
    body = _grant(sources=[{"from_type": "bank", "from_uuid": uuid4()}])
    return Refused("grant-balances", body, {"from_type": "bank"}, "/sources/0/from_type")


def one_target_required() -> Refused:
    return Refused("reverse-funding", {"position": 1, "reason": "by mistake"}, {}, "")


# what does not exist


def unknown_company() -> Refused:
    nobody = uuid4()
    return Refused("rename-company", {"company_uuid": nobody, "name": "Acme"}, {"company_uuid": str(nobody)})


def unknown_asset() -> Refused:
    nothing = uuid4()
    return Refused("revalue-asset", {"asset_uuid": nothing, "value": "1.00"}, {"asset_uuid": str(nothing)})


def unknown_account() -> Refused:
    nothing = uuid4()
    return Refused("grant-balances", _grant(to_company_account_uuid=nothing), {"account_uuid": str(nothing)})


def unknown_deal() -> Refused:
    nothing = uuid4()
    return Refused("activate-deal", {"deal_uuid": nothing}, {"deal_uuid": str(nothing)})


def unknown_product() -> Refused:
    nothing = uuid4()
    return Refused("grant-balances", _grant(product_uuid=nothing), {"product_uuid": str(nothing)})


def nothing_to_reverse() -> Refused:
    body = _with("reverse-funding", position=1)
    figures = {"position": 1, "expected": "CompanyFunded", "stream_id": f"company-{body['company_uuid']}"}
    return Refused("reverse-funding", body, figures)


# what was done before


def already_exists() -> Refused:
    company = new_company()
    figures = {"category": "company", "uuid": str(company)}
    return Refused("register-company", {"company_uuid": company, "name": "Acme"}, figures)


def already_active() -> Refused:
    account = new_account(new_company())
    figures = {"category": "account", "uuid": str(account)}
    return Refused("activate-funding-account", {"account_uuid": account}, figures)


def already_closed() -> Refused:
    account = new_account(new_company())
    do(CloseFundingAccount(account, "done"))
    return Refused("close-funding-account", {"account_uuid": account, "reason": "done"}, {"account_uuid": str(account)})


def already_reversed() -> Refused:
    body = good("reverse-funding")
    do(ReverseFunding(body["position"], "by mistake", body["company_uuid"]))
    return Refused("reverse-funding", body, {"position": body["position"]})


# balances, accounts and grants


def currency_mismatch() -> Refused:
    body = {"company_uuid": new_company("1.00"), "amount": "1.00", "currency": "EUR", "reference": "wire"}
    return Refused("fund-company", body, {"expected": "USD", "given": "EUR"})


def insufficient_funds() -> Refused:
    figures = {"available": "170.00", "requested": "170.01", "currency": "USD"}
    return Refused("grant-balances", _grant(amount="170.01"), figures)


def balance_too_large() -> Refused:
    body = {"company_uuid": new_company("9999999999999999.99"), "amount": "0.01", "reference": "wire"}
    return Refused("fund-company", body, {"balance": "10000000000000000.00", "currency": "USD"})


def sender_is_receiver() -> Refused:
    company = new_company()
    body = _with("register-asset", sender_company_uuid=company, receiver_company_uuid=company)
    return Refused("register-asset", body, {"company_uuid": str(company)})


def account_not_active() -> Refused:
    company = new_company()
    account = new_account(company, active=False)
    body = _grant(to_company_uuid=company, to_company_account_uuid=account)
    return Refused("grant-balances", body, {"account_uuid": str(account), "account_status": "pending"})


def account_is_closed() -> Refused:
    account = new_account(new_company())
    do(CloseFundingAccount(account, "done"))
    return Refused("activate-funding-account", {"account_uuid": account}, {"account_uuid": str(account)})


def account_not_empty() -> Refused:
    account = funded_account("40.00")
    figures = {"account_uuid": str(account), "balance": "40.00", "currency": "USD"}
    return Refused("close-funding-account", {"account_uuid": account, "reason": "done"}, figures)


def account_of_another_company() -> Refused:
    account, other = uuid4(), new_company()
    do(OpenFundingAccount(account, new_company(), "operating"))
    do(ActivateFundingAccount(account))
    body = _grant(to_company_uuid=other, to_company_account_uuid=account)
    return Refused("grant-balances", body, {"account_uuid": str(account), "company_uuid": str(other)})


def no_sources() -> Refused:
    return Refused("grant-balances", _grant(sources=[]), {})


def source_twice() -> Refused:
    company = new_company("1.00")
    figures = {"from_type": "company", "from_uuid": str(company)}
    return Refused("grant-balances", _grant(sources=[_company(company)] * 2), figures)


def source_without_balance() -> Refused:
    company = new_company()
    figures = {"from_type": "company", "from_uuid": str(company)}
    return Refused("grant-balances", _grant(sources=[_company(company)]), figures)


def no_destinations() -> Refused:
    return Refused("grant-balances", _grant() | {"destinations": []}, {})


# deals


def deal_without_companies() -> Refused:
    return Refused("create-deal", _deal(companies=[]), {})


def company_twice_in_role() -> Refused:
    company = new_company()
    figures = {"company_uuid": str(company), "role": "seller"}
    return Refused("create-deal", _deal(companies=[{"company_uuid": company, "role": "seller"}] * 2), figures)


def membership_company_count() -> Refused:
    return Refused("create-deal", _deal(product_line_id=4, rating_tier="A"), {"count": 2})


def rating_tier_required() -> Refused:
    companies = [{"company_uuid": new_company(), "role": "member"}]
    return Refused("create-deal", _deal(product_line_id=4, companies=companies), {})


def rating_tier_not_allowed() -> Refused:
    return Refused("create-deal", _deal(rating_tier="A"), {"product_line_id": 1})


def product_line_fixed() -> Refused:
    figures = {"product_line_id": 1, "requested": 2}
    return Refused("update-deal", _with("update-deal", product_line_id=2), figures)


def deal_is_deleted() -> Refused:
    deal = new_deal()
    do(DeleteDeal(deal))
    return Refused("activate-deal", {"deal_uuid": deal}, {"deal_uuid": str(deal)})


# products


def deal_not_active() -> Refused:
    deal = new_deal(active=False)
    body = _with("originate-product", deal_uuid=deal)
    return Refused("originate-product", body, {"deal_uuid": str(deal), "deal_status": "created"})


def membership_without_products() -> Refused:
    deal = new_deal(line=4, tier="gold")
    return Refused("originate-product", _with("originate-product", deal_uuid=deal), {"deal_uuid": str(deal)})


def product_not_open() -> Refused:
    body = good("grant-balances")
    [destination] = body["destinations"]
    product = new_product(company_uuid=destination["to_company_uuid"])
    do(WriteOffProduct(product, "bankrupt"))
    destination["product_uuid"] = product
    return Refused("grant-balances", body, {"product_uuid": str(product), "product_status": "written_off"})


def company_not_in_deal() -> Refused:
    product = new_product()
    body = _grant(product_uuid=product)
    figures = {"company_uuid": str(body["destinations"][0]["to_company_uuid"]), "product_uuid": str(product)}
    return Refused("grant-balances", body, figures)


def principal_exceeds_value() -> Refused:
    figures = {"principal": "1000.01", "value": "1000.00", "currency": "USD"}
    return Refused("originate-product", _with("originate-product", principal="1000.01"), figures)


def asset_already_financed() -> Refused:
    asset = new_asset()
    product = new_product(asset, "100.00")
    do(ApplyPayment(product, Decimal("40.00"), "wire"))
    figures = {
        "asset_uuid": str(asset),
        "product_uuid": str(product),
        "principal_outstanding": "60.00",
        "currency": "USD",
    }
    return Refused("originate-product", _with("originate-product", asset_uuid=asset), figures)


def role_not_played() -> Refused:
    return Refused("originate-product", _with("originate-product", late_fee_payer_role="bank"), {"role": "bank"})


def obligor_not_in_deal() -> Refused:
    company = new_company()
    body = _with("originate-product", obligor_company_uuid=company)
    return Refused("originate-product", body, {"company_uuid": str(company)})


def obligor_required() -> Refused:
    deal = uuid4()
    do(CreateDeal(deal, 1, tuple(DealCompany(new_company(), "debtor") for _ in range(2))))
    do(ActivateDeal(deal))
    return Refused("originate-product", _with("originate-product", deal_uuid=deal), {"role": "debtor", "count": 2})


def payment_exceeds_outstanding() -> Refused:
    body = {"product_uuid": new_product(principal="100.00"), "amount": "100.50", "reference": "wire"}
    figures = {"principal": "100.00", "fees": "0.00", "surplus": "0.50", "currency": "USD"}
    return Refused("apply-payment", body, figures)


def waiver_exceeds_fees() -> Refused:
    figures = {"fees": "1.00", "requested": "1.01", "currency": "USD"}
    return Refused("waive-late-fee", _with("waive-late-fee", amount="1.01"), figures)


def fee_not_outstanding() -> Refused:
    body = good("reverse-late-fee")
    do(WaiveLateFee(body["product_uuid"], Decimal("0.40"), "goodwill"))
    figures = {"fees": "0.60", "requested": "1.00", "currency": "USD"}
    return Refused("reverse-late-fee", body, figures)


def product_not_written_off() -> Refused:
    product = new_product()
    body = {"product_uuid": product, "amount": "1.00", "reference": "wire"}
    return Refused("record-recovery", body, {"product_uuid": str(product)})


def recovery_exceeds_write_off() -> Refused:
    figures = {"written_off": "100.00", "recovered": "100.01", "currency": "USD"}
    return Refused("record-recovery", _with("record-recovery", amount="100.01"), figures)


def product_is_written_off() -> Refused:
    product = new_product()
    do(WriteOffProduct(product, "bankrupt"))
    body = {"product_uuid": product, "amount": "1.00", "reference": "wire"}
    return Refused("apply-payment", body, {"product_uuid": str(product)})


def nothing_owed() -> Refused:
    product = new_product(principal="100.00")
    do(ApplyPayment(product, Decimal("100.00"), "wire"))
    body = {"product_uuid": product, "reason": "bankrupt"}
    return Refused("write-off-product", body, {"product_uuid": str(product)})


REFUSED: Final[dict[str, Callable[[], Refused]]] = {
    name.replace("_", "-"): make
    for name, make in list(globals().items())
    if getattr(make, "__annotations__", {}).get("return") is Refused
}
"""The cases by slug."""
