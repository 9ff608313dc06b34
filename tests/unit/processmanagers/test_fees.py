"""The late fee of an overdue product for one date, and the reasons for none."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import pytest

from ledger.rules.events import CurrencyTotal, LateFeeIncurred, LateFeeNotAssessed, LateFeesAssessed
from processmanagers.fees import AssetAt, Cycle, assess
from processmanagers.late_fees import Tally
from processmanagers.recorded_fees import Fee

SELLER, DEBTOR, OTHER, ASSET = (UUID(int=number) for number in range(1, 5))
CYCLE = Cycle(date(2024, 3, 1), 77, datetime(2024, 3, 1, 8, 0, tzinfo=UTC))


class Terms(NamedTuple):
    """The terms of a product."""

    asset_uuid: UUID | None
    due_date: date
    daily_late_fee_rate: Decimal
    late_fee_payer_role: str
    companies: tuple[tuple[UUID, str], ...]


def product(
    *,
    asset_uuid: UUID | None = ASSET,
    rate: str = "0.001",
    companies: tuple[tuple[UUID, str], ...] = ((SELLER, "seller"), (DEBTOR, "debtor")),
) -> Terms:
    return Terms(asset_uuid, date(2024, 2, 28), Decimal(rate), "debtor", companies)


def asset(value: str, currency: str = "USD") -> AssetAt:
    return AssetAt(Decimal(value), currency, SELLER, DEBTOR)


def test_a_fee_contains_everything_that_it_was_computed_from() -> None:
    assert assess(product(), asset("1000.00"), CYCLE) == LateFeeIncurred(
        amount=Decimal("1.00"),
        currency="USD",
        fee_payer_company_uuid=DEBTOR,
        business_date=date(2024, 3, 1),
        incurred_at=CYCLE.recorded_at,
        asset_uuid=ASSET,
        asset_value=Decimal("1000.00"),
        daily_late_fee_rate=Decimal("0.001"),
        days_overdue=2,
    )


@pytest.mark.parametrize(
    ("value", "rate", "amount"),
    [
        ("125.00", "0.001", "0.12"),
        ("135.00", "0.001", "0.14"),
        ("125.01", "0.001", "0.13"),
        ("500", "0.001", None),
        ("1500", "0.001", "2"),
        ("2500", "0.001", "2"),
        ("1.500", "0.001", "0.002"),
        ("5.00", "0.001", None),
        ("5.01", "0.001", "0.01"),
        ("0.00", "0.001", None),
        ("100.00", "0", None),
        ("9999999999999999.99", "1", "9999999999999999.99"),
    ],
)
def test_a_fee_is_rounded_once_half_even_to_the_digits_of_the_value(value: str, rate: str, amount: str | None) -> None:
    fee = assess(product(rate=rate), asset(value), CYCLE)
    if amount is None:
        assert fee is None
    else:
        assert isinstance(fee, LateFeeIncurred)
        assert str(fee.amount) == amount


def test_a_product_without_an_asset_is_not_assessed() -> None:
    assert assess(product(asset_uuid=None), None, CYCLE) == LateFeeNotAssessed("no_asset", CYCLE.date)


def test_a_product_with_an_unknown_asset_is_not_assessed() -> None:
    assert assess(product(), None, CYCLE) == LateFeeNotAssessed("unknown_asset", CYCLE.date)


@pytest.mark.parametrize(
    "companies",
    [
        ((SELLER, "seller"), (OTHER, "debtor")),
        ((DEBTOR, "seller"), (SELLER, "seller")),
        (),
    ],
)
def test_a_product_without_a_payer_is_not_assessed(companies: tuple[tuple[UUID, str], ...]) -> None:
    assert assess(product(companies=companies), asset("1000.00"), CYCLE) == LateFeeNotAssessed("no_payer", CYCLE.date)


def test_no_payer_is_recorded_even_if_the_fee_would_round_to_zero() -> None:
    without_payer = product(companies=((OTHER, "debtor"),))
    assert assess(without_payer, asset("0.00"), CYCLE) == LateFeeNotAssessed("no_payer", CYCLE.date)


def test_the_first_company_in_the_role_that_sends_or_receives_the_asset_pays() -> None:
    several = product(companies=((OTHER, "debtor"), (SELLER, "debtor"), (DEBTOR, "debtor")))
    fee = assess(several, asset("1000.00"), CYCLE)
    assert isinstance(fee, LateFeeIncurred)
    assert fee.fee_payer_company_uuid == SELLER


def test_the_tally_survives_json_and_ends_as_one_event_with_totals_by_currency() -> None:
    tally = Tally()
    for value, currency in (("1000.00", "USD"), ("3000", "JPY"), ("2500.00", "USD"), ("0.00", "USD")):
        fee = assess(product(), asset(value, currency), CYCLE)
        tally.count(Fee(fee.amount, fee.currency, fee) if isinstance(fee, LateFeeIncurred) else fee)
        tally = Tally.from_json(tally.to_json())
    tally.count(LateFeeNotAssessed("no_asset", CYCLE.date))
    assert tally.finish(CYCLE) == LateFeesAssessed(
        business_date=CYCLE.date,
        overdue=5,
        incurred=3,
        not_assessed=1,
        rounded_to_zero=1,
        totals=(CurrencyTotal("JPY", Decimal(3)), CurrencyTotal("USD", Decimal("3.50"))),
    )
