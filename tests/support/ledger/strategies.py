"""The hypothesis strategies: amounts, texts and events, and commands on few entities, so that they interact."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, assert_never
from uuid import UUID

from hypothesis import strategies as st

from ledger.rules.commands import (
    ActivateDeal,
    ActivateFundingAccount,
    ApplyPayment,
    CloseFundingAccount,
    Command,
    CreateDeal,
    DeleteDeal,
    Destination,
    FundAsset,
    FundCompany,
    GrantBalances,
    OpenFundingAccount,
    OriginateProduct,
    PayOutFunds,
    RecordRecovery,
    RegisterAsset,
    RegisterCompany,
    RenameCompany,
    ReturnPayout,
    RevalueAsset,
    ReverseFunding,
    ReverseLateFee,
    ReversePayment,
    ReverseRecovery,
    ReverseWaiver,
    ReverseWriteOff,
    Source,
    UpdateDeal,
    WaiveLateFee,
    WriteOffProduct,
)
from ledger.rules.events import (
    AssetFunded,
    CompanyFunded,
    DealActivated,
    DealCompany,
    DealCreated,
    DealDeleted,
    DealUpdated,
    FundsPaidOut,
    LateFeeIncurred,
    LateFeeWaived,
    PaymentApplied,
    ProductWrittenOff,
    RecoveryRecorded,
)

_REVERSIBLE = (
    CompanyFunded
    | AssetFunded
    | FundsPaidOut
    | PaymentApplied
    | LateFeeIncurred
    | LateFeeWaived
    | ProductWrittenOff
    | RecoveryRecorded
)

DIGITS: Final = {"USD": 2, "JPY": 0, "KWD": 3}
COMPANIES: Final = tuple(UUID(int=number) for number in (1, 2, 3))
ASSETS: Final = tuple(UUID(int=number) for number in (11, 12))
ACCOUNTS: Final = tuple(UUID(int=number) for number in (21, 22))
DEALS: Final = tuple(UUID(int=number) for number in (31, 32))
PRODUCTS: Final = tuple(UUID(int=number) for number in (41, 42))
GRANTS: Final = tuple(UUID(int=number) for number in range(51, 60))

digits = st.sampled_from(sorted(DIGITS.values()))
# Of any characters, and often of those that cannot be seen.
any_texts = st.text(
    st.characters() | st.sampled_from("a \u0301\u200b\u200c\u200d\u00ad\ufeff\u3164\u00a0"), max_size=20
)


@st.composite
def amounts(draw: st.DrawFn) -> tuple[Decimal, int]:
    """Draw an amount above zero of at most 18 digits, and the number of digits after its point."""
    places = draw(digits)
    return Decimal(draw(st.integers(1, 10**18 - 1))).scaleb(-places), places


rates = st.integers(0, 10**8).map(lambda units: Decimal(units).scaleb(-8))

_reference = st.just("reference")
_company = st.sampled_from(COMPANIES)
_asset = st.sampled_from(ASSETS)
_account = st.sampled_from(ACCOUNTS)
_deal = st.sampled_from(DEALS)
_product = st.sampled_from(PRODUCTS)
# Few and small amounts, so that balances are often met exactly or exceeded.
_amount = st.sampled_from([Decimal(units) for units in (5, 1, 10, 20, 50)])
_currency = st.sampled_from([None, None, None, "USD", "USD", "USD", "USD", "JPY"])
_deal_company = st.builds(DealCompany, _company, st.sampled_from(["seller", "debtor"]))
_deal_companies = st.lists(_deal_company, min_size=1, max_size=3, unique=True).map(tuple)
_source = st.one_of(st.builds(Source, st.just("company"), _company), st.builds(Source, st.just("asset"), _asset))
# Mostly an account with the company that opened it.
_pairs = [*zip(COMPANIES, ACCOUNTS, strict=False)] * 3 + [(COMPANIES[2], ACCOUNTS[0])]
_destination = st.tuples(st.sampled_from(_pairs), _amount, st.none() | _product).map(
    lambda drawn: Destination(drawn[0][0], drawn[0][1], drawn[1], drawn[2])
)

funding = st.one_of(
    st.builds(FundCompany, _company, _amount, _reference, _currency),
    st.builds(FundAsset, _asset, _amount, _reference, _currency),
)
grants = st.builds(
    GrantBalances,
    st.sampled_from(GRANTS),
    _reference,
    st.lists(_source, min_size=1, max_size=3, unique=True).map(tuple),
    st.lists(_destination, min_size=1, max_size=3).map(tuple),
    _currency,
)
payouts = st.builds(PayOutFunds, _account, _amount, _reference, _currency)
masters = st.one_of(
    st.builds(OpenFundingAccount, _account, _company, _reference),
    st.builds(ActivateFundingAccount, _account),
    st.builds(CloseFundingAccount, _account, _reference),
    st.builds(RegisterCompany, _company, _reference),
    st.builds(RenameCompany, _company, _reference),
    st.builds(RegisterAsset, _asset, _amount, _company, _company, _reference, _currency),
    st.builds(RevalueAsset, _asset, _amount | st.just(Decimal(0)), _currency),
    st.builds(CreateDeal, _deal, st.integers(1, 4), _deal_companies, st.sampled_from([None, "gold"])),
    st.builds(UpdateDeal, _deal, st.integers(1, 4), _deal_companies, st.sampled_from([None, "gold"])),
    st.builds(ActivateDeal, _deal),
    st.builds(DeleteDeal, _deal),
)
originations = st.builds(
    OriginateProduct,
    product_uuid=_product,
    deal_uuid=_deal,
    principal=_amount,
    due_date=st.just(date(2026, 3, 31)),
    daily_late_fee_rate=rates,
    late_fee_payer_role=st.sampled_from(["seller", "debtor"]),
    reference=_reference,
    asset_uuid=st.none() | _asset,
    currency=_currency,
)
payments = st.builds(ApplyPayment, _product, _amount, _reference, _currency)
waivers = st.one_of(
    st.builds(RecordRecovery, _product, _amount, _reference, _currency),
    st.builds(WaiveLateFee, _product, _amount, _reference, _currency),
    st.builds(WriteOffProduct, _product, _reference),
)
# Commands that move money are drawn more often than those that succeed once.
commands: st.SearchStrategy[Command] = st.sampled_from(
    [grants] * 4 + [funding] * 3 + [payments] * 3 + [originations] * 2 + [payouts] * 2 + [masters, waivers]
).flatmap(lambda strategy: strategy)


@dataclass(frozen=True)
class Reversal:
    """Reverses one of the reversible events recorded so far; some are reversed already."""

    number: int

    def command(self, recorded: Sequence[tuple[str, object]]) -> Command | None:
        """Return the command that reverses it, or None if nothing is recorded yet."""
        found = [
            (position, stream, event)
            for position, (stream, event) in enumerate(recorded, start=1)
            if isinstance(event, _REVERSIBLE)
        ]
        if not found:
            return None
        position, stream, event = found[self.number % len(found)]
        uuid = UUID(stream.partition("-")[2])
        match event:
            case CompanyFunded():
                return ReverseFunding(position, "reason", company_uuid=uuid)
            case AssetFunded():
                return ReverseFunding(position, "reason", asset_uuid=uuid)
            case FundsPaidOut():
                return ReturnPayout(uuid, position, "reason")
            case _:
                return _of_product(event, uuid, position)


def _of_product(
    event: PaymentApplied | LateFeeIncurred | LateFeeWaived | ProductWrittenOff | RecoveryRecorded,
    uuid: UUID,
    position: int,
) -> Command:
    match event:
        case PaymentApplied():
            return ReversePayment(uuid, position, "reason")
        case LateFeeIncurred():
            return ReverseLateFee(uuid, position, "reason")
        case LateFeeWaived():
            return ReverseWaiver(uuid, position, "reason")
        case ProductWrittenOff():
            return ReverseWriteOff(uuid, position, "reason")
        case RecoveryRecorded():
            return ReverseRecovery(uuid, position, "reason")
        case _:
            assert_never(event)


steps: st.SearchStrategy[Command | Reversal] = st.one_of(*[commands] * 5, st.builds(Reversal, st.integers(0, 20)))
sequences = st.integers(0, 40).flatmap(lambda size: st.lists(steps, min_size=size, max_size=size))

_membership_terms = st.builds(
    lambda event_class, company_uuid: event_class(4, (DealCompany(company_uuid, "member"),), "gold"),
    st.sampled_from([DealCreated, DealUpdated]),
    _company,
)
deal_events = st.lists(st.tuples(_deal, st.one_of(_membership_terms, st.just(DealActivated()), st.just(DealDeleted()))))
