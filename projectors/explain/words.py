"""Events in words: what happened, and why, with the figures that the event carries."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple, assert_never

from ledger.rules import events as e
from ledger.rules.aggregates.deal import PRODUCT_LINES

LedgerEvent = (
    e.CompanyEvent
    | e.AssetEvent
    | e.AccountEvent
    | e.DealEvent
    | e.ProductEvent
    | e.BalancesGranted
    | e.SystemCycled
    | e.LateFeesAssessed
    | e.DaySealed
)

_NOT_ASSESSED = {
    "no_asset": "the product has no asset whose value a fee could be taken of",
    "unknown_asset": "the asset of the product is not in the ledger",
    "no_payer": "no company in the payer's role sends or receives the asset",
}


class Words(NamedTuple):
    """What happened, in a few words, and the figures and reasons behind it; `why` may be empty."""

    what: str
    why: str = ""


def amount_text(amount: Decimal) -> str:
    """Return an amount as people read it: with separators and all its digits."""
    return f"{amount:,f}"


def fee_arithmetic(fee: e.LateFeeIncurred) -> str:
    """Return how a late fee is computed: value × rate = exact product, and how it was rounded."""
    exact = fee.asset_value * fee.daily_late_fee_rate
    shown = f"{fee.asset_value:,f} × {fee.daily_late_fee_rate:f} ="
    if exact == fee.amount:
        return f"{shown} {fee.amount:,f}"
    return f"{shown} {exact.normalize():,f}, rounded half-even to {fee.amount:,f}"


def headline(data: LedgerEvent) -> str:
    """Return what happened with its amount, for a reader who sees the event by itself."""
    what = words(data).what
    amount: Decimal | None = getattr(data, "amount", None) or getattr(data, "principal", None)
    match data:
        case e.LateFeeIncurred():
            return f"{what} of {_money(data.amount, data)} for {data.business_date}"
        case e.LateFeeNotAssessed():
            return f"{what} for {data.business_date}"
        case e.AssetFinanced() | e.AssetRegistered() | e.AssetRevalued():
            return what
        case _ if amount is None or amount_text(amount) in what:
            return what
        case _:
            return f"{what}: {_money(amount, data)}"


def words(data: LedgerEvent) -> Words:
    """Return an event of the ledger in words."""
    match data:
        case (
            e.CompanyRegistered()
            | e.CompanyRenamed()
            | e.CompanyFunded()
            | e.FundsDebited()
            | e.FundingReversed()
            | e.PayoutReturnedToCompany()
        ):
            return _of_funds(data)
        case e.AssetRegistered() | e.AssetRevalued() | e.AssetFinanced() | e.AssetFunded():
            return _of_asset(data)
        case (
            e.FundingAccountOpened()
            | e.FundingAccountActivated()
            | e.FundingAccountClosed()
            | e.FundsCredited()
            | e.FundsPaidOut()
            | e.PayoutReturned()
        ):
            return _of_account(data)
        case e.DealCreated() | e.DealUpdated() | e.DealActivated() | e.DealDeleted():
            return _of_deal(data)
        case e.BalancesGranted():
            places = f"{_counted(data.sources, 'source')} to {_counted(data.destinations, 'account')}"
            return Words(f"{_money(data.total, data)} granted", f"from {places}, reference {data.reference}")
        case e.SystemCycled() | e.LateFeesAssessed() | e.DaySealed():
            return _of_day(data)
        case _:
            return _of_product(data)


def _of_day(data: e.SystemCycled | e.LateFeesAssessed | e.DaySealed) -> Words:
    match data:
        case e.SystemCycled():
            return Words(f"Business date {data.new_date} began")
        case e.LateFeesAssessed():
            return Words(
                f"Late fees of {data.business_date} are complete",
                f"{data.overdue} overdue: {data.incurred} charged, {data.not_assessed} not assessed,"
                f" {data.rounded_to_zero} rounded to zero",
            )
        case e.DaySealed():
            through = f"events {data.first_position} to {data.last_position}"
            return Words(f"{data.sealed_date} was sealed", f"{through}, chain {data.chain}")


def _of_funds(data: Any) -> Words:
    match data:
        case e.CompanyRegistered():
            return Words("Company registered", data.name)
        case e.CompanyRenamed():
            return Words("Company renamed", f"its name is {data.name} from here on")
        case e.CompanyFunded():
            return Words(f"{_money(data.amount, data)} received", f"reference {data.reference}")
        case e.FundsDebited():
            return Words(f"{_money(data.amount, data)} taken by a grant", f"grant {data.grant_uuid}")
        case e.PayoutReturnedToCompany():
            account = f"account {data.account_uuid} is closed"
            return Words(
                f"{_money(data.amount, data)} came back",
                f"returns the payout at {data.position}, {account}: {data.reason}",
            )
        case _:
            return Words(
                f"{_money(data.amount, data)} taken back", f"reverses the event at {data.position}: {data.reason}"
            )


def _of_asset(data: e.AssetRegistered | e.AssetRevalued | e.AssetFinanced | e.AssetFunded) -> Words:
    match data:
        case e.AssetRegistered():
            return Words("Asset registered", f"worth {_money(data.value, data)}, reference {data.reference}")
        case e.AssetRevalued():
            return Words("Asset revalued", f"worth {_money(data.value, data)} from here on")
        case e.AssetFinanced():
            return Words("Asset financed", f"backs a principal of {_money(data.principal, data)}")
        case e.AssetFunded():
            return Words(f"{_money(data.amount, data)} collected", f"reference {data.reference}")
        case _:
            assert_never(data)


def _of_account(data: Any) -> Words:
    match data:
        case e.FundingAccountOpened():
            return Words("Funding account opened", f"{data.label}; it is pending")
        case e.FundingAccountActivated():
            return Words("Funding account activated", "it may be credited from here on")
        case e.FundingAccountClosed():
            return Words("Funding account closed", data.reason)
        case e.FundsCredited():
            return Words(f"{_money(data.amount, data)} credited by a grant", f"grant {data.grant_uuid}")
        case e.FundsPaidOut():
            return Words(f"{_money(data.amount, data)} paid out", f"reference {data.reference}")
        case _:
            return Words(
                f"{_money(data.amount, data)} came back", f"returns the payout at {data.position}: {data.reason}"
            )


def _of_deal(data: e.DealCreated | e.DealUpdated | e.DealActivated | e.DealDeleted) -> Words:
    match data:
        case e.DealActivated():
            return Words("Deal activated", "products may be originated under it")
        case e.DealDeleted():
            return Words("Deal deleted", "its products stay")
        case _:
            what = "Deal created" if isinstance(data, e.DealCreated) else "Deal updated"
            roles = ", ".join(company.role for company in data.companies)
            tier = f", rating tier {data.rating_tier}" if data.rating_tier else ""
            return Words(what, f"{PRODUCT_LINES[data.product_line_id]}; roles {roles}{tier}; not active")


def _of_product(data: e.ProductEvent) -> Words:
    match data:
        case e.ProductOriginated():
            fee = f"late fee {data.daily_late_fee_rate:f} a day, paid by the {data.late_fee_payer_role}"
            return Words("Invoice financed", f"due {data.due_date}, {fee}")
        case e.PaymentApplied():
            return Words("Payment received", f"{_split(data)}, reference {data.reference}")
        case e.PaymentReversed():
            return Words("Payment reversed", f"{_split(data)} of the payment at {data.position}: {data.reason}")
        case e.LateFeeIncurred():
            return Words("Late fee", f"day {data.days_overdue} overdue: {fee_arithmetic(data)}")
        case e.LateFeeNotAssessed():
            return Words("Late fee not assessed", _NOT_ASSESSED.get(data.reason, data.reason))
        case e.LateFeeWaived():
            return Words("Late fees waived", data.reason)
        case e.ProductWrittenOff():
            return Words(
                "Written off",
                f"{amount_text(data.principal)} principal and {amount_text(data.fees)} fees: {data.reason}",
            )
        case _:
            return _of_correction(data)


def _of_correction(
    data: e.LateFeeReversed | e.WaiverReversed | e.WriteOffReversed | e.RecoveryRecorded | e.RecoveryReversed,
) -> Words:
    match data:
        case e.LateFeeReversed():
            return Words("Late fee reversed", f"takes back the fee at {data.position}: {data.reason}")
        case e.WaiverReversed():
            return Words("Waiver reversed", f"takes back the waiver at {data.position}: {data.reason}")
        case e.WriteOffReversed():
            owed = f"{amount_text(data.principal)} principal and {amount_text(data.fees)} fees"
            return Words("Write-off reversed", f"{owed} of the write-off at {data.position}: {data.reason}")
        case e.RecoveryRecorded():
            return Words(f"{_money(data.amount, data)} recovered", f"after a write-off, reference {data.reference}")
        case e.RecoveryReversed():
            return Words("Recovery reversed", f"takes back the recovery at {data.position}: {data.reason}")
        case _:
            assert_never(data)


def _split(data: e.PaymentApplied | e.PaymentReversed) -> str:
    return f"{amount_text(data.to_principal)} to principal, {amount_text(data.to_fees)} to fees"


def _money(amount: Decimal, data: Any) -> str:
    return f"{amount_text(amount)} {data.currency}"


def _counted(things: Sequence[Any], name: str) -> str:
    return f"1 {name}" if len(things) == 1 else f"{len(things)} {name}s"
