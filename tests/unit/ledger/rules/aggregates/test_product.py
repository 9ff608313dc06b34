"""Payments go to principal first; reversals, waivers and write-offs are limited to what is there."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ledger.rules.commands import ApplyPayment, ReversePayment, WaiveLateFee, WriteOffProduct
from ledger.rules.events import (
    LateFeeIncurred,
    LateFeeNotAssessed,
    LateFeeWaived,
    PaymentApplied,
    PaymentReversed,
    ProductWrittenOff,
)
from ledger.rules.refusals.balances import CurrencyMismatch
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.existence import AlreadyReversed, NothingToReverse, UnknownProduct
from ledger.rules.refusals.fields import InvalidAmount, InvalidText, UnknownCurrency
from ledger.rules.refusals.products import (
    AssetAlreadyFinanced,
    NothingOwed,
    PaymentExceedsOutstanding,
    ProductIsWrittenOff,
    WaiverExceedsFees,
)
from tests.unit.ledger.given import Given, Recorded, d, product
from tests.unit.ledger.people import CUSTOMER, INVOICE, OTHER_PRODUCT, PRODUCT, originated

# The origination takes positions 1 and 2, the fee 3.
OWES = originated()
FEE = LateFeeIncurred(
    amount=d("1.00"),
    currency="USD",
    fee_payer_company_uuid=CUSTOMER,
    business_date=date(2026, 4, 1),
    incurred_at=datetime(2026, 4, 1, 8, tzinfo=UTC),
    asset_uuid=INVOICE,
    asset_value=d("1000.00"),
    daily_late_fee_rate=d("0.001"),
    days_overdue=1,
)
OVERDUE = OWES + product(PRODUCT, FEE)
PAY = ApplyPayment(PRODUCT, d("100"), "wire")
REVERSE = ReversePayment(PRODUCT, 4, "bounced")
WAIVE = WaiveLateFee(PRODUCT, d("0.4"), "goodwill")
WRITE_OFF = WriteOffProduct(PRODUCT, "bankrupt")


def paid(amount: str, to_principal: str, to_fees: str) -> PaymentApplied:
    return PaymentApplied(d(amount), d(to_principal), d(to_fees), "USD", "wire")


def taken_back(position: int, amount: str, to_principal: str, to_fees: str) -> PaymentReversed:
    return PaymentReversed(position, d(amount), d(to_principal), d(to_fees), "USD", "bounced")


def loss(principal: str, fees: str) -> ProductWrittenOff:
    return ProductWrittenOff(d(principal), d(fees), "USD", "bankrupt")


ALL_PAID = OVERDUE + product(PRODUCT, paid("801.00", "800.00", "1.00"))
WRITTEN_OFF = OVERDUE + product(PRODUCT, paid("100.00", "100.00", "0.00"), loss("700.00", "1.00"))


@pytest.mark.parametrize(
    ("amount", "expected", "principal", "fees", "status"),
    [
        ("0.01", paid("0.01", "0.01", "0.00"), "799.99", "1.00", "open"),
        ("800.00", paid("800.00", "800.00", "0.00"), "0.00", "1.00", "open"),
        ("800.40", paid("800.40", "800.00", "0.40"), "0.00", "0.60", "open"),
        ("801.00", paid("801.00", "800.00", "1.00"), "0.00", "0.00", "paid"),
    ],
)
def test_a_payment_goes_to_principal_first_and_then_to_fees(
    amount: str, expected: PaymentApplied, principal: str, fees: str, status: str
) -> None:
    log = Given(OVERDUE).when(replace(PAY, amount=d(amount))).then(product(PRODUCT, expected))
    left = log.product(PRODUCT)
    assert (str(left.principal_outstanding), str(left.fees_outstanding), left.status) == (principal, fees, status)
    assert (left.principal_paid, left.fees_paid) == (expected.to_principal, expected.to_fees)
    assert log.asset(INVOICE).balance == 0


def test_a_reversed_payment_opens_the_product_again() -> None:
    log = Given(ALL_PAID).when(REVERSE).then(product(PRODUCT, taken_back(4, "801.00", "800.00", "1.00")))
    again = log.product(PRODUCT)
    assert (again.principal_outstanding, again.fees_outstanding, again.status) == (d("800.00"), d("1.00"), "open")
    assert (again.principal_paid, again.fees_paid, again.reversed) == (d("0"), d("0"), frozenset({4}))


def test_a_payment_can_be_reversed_while_the_asset_backs_a_paid_product() -> None:
    other = originated(uuid=OTHER_PRODUCT) + product(OTHER_PRODUCT, paid("800.00", "800.00", "0.00"))
    Given(ALL_PAID, other).when(REVERSE).then(product(PRODUCT, taken_back(4, "801.00", "800.00", "1.00")))


def test_a_payment_of_fees_only_can_be_reversed_even_if_the_asset_backs_another_product() -> None:
    given = OVERDUE + product(PRODUCT, paid("800.00", "800.00", "0.00"), paid("1.00", "0.00", "1.00"))
    command = replace(REVERSE, position=5)
    expected = product(PRODUCT, taken_back(5, "1.00", "0.00", "1.00"))
    Given(given, originated(uuid=OTHER_PRODUCT)).when(command).then(expected)


def test_a_payment_of_a_product_without_an_asset_can_be_reversed() -> None:
    given = originated(asset_uuid=None) + product(PRODUCT, paid("800.00", "800.00", "0.00"))
    expected = product(PRODUCT, taken_back(2, "800.00", "800.00", "0.00"))
    Given(given).when(replace(REVERSE, position=2)).then(expected)


def test_all_fees_outstanding_can_be_waived_and_paid_fees_stay() -> None:
    log = Given(OVERDUE).when(WAIVE).then(product(PRODUCT, LateFeeWaived(d("0.40"), "USD", "goodwill")))
    log.when(replace(WAIVE, amount=d("0.60")))
    left = log.product(PRODUCT)
    assert (left.fees_incurred, left.fees_waived, left.fees_outstanding) == (d("1.00"), d("1.00"), d("0"))
    assert left.principal_outstanding == d("800.00")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (OVERDUE, loss("800.00", "1.00")),
        (OVERDUE + product(PRODUCT, paid("800.00", "800.00", "0.00")), loss("0.00", "1.00")),
        (OWES, loss("800.00", "0.00")),
    ],
    ids=["principal and fees", "fees alone", "principal alone"],
)
def test_a_write_off_takes_everything_that_is_owed(given: Recorded, expected: ProductWrittenOff) -> None:
    log = Given(given).when(WRITE_OFF).then(product(PRODUCT, expected))
    lost = log.product(PRODUCT)
    assert (lost.principal_outstanding, lost.fees_outstanding, lost.status) == (d("0"), d("0"), "written_off")


def test_fees_add_up_and_stay_when_the_principal_is_paid() -> None:
    log = Given(OVERDUE, product(PRODUCT, FEE, paid("800.00", "800.00", "0.00"))).log
    state = log.product(PRODUCT)
    assert (state.fees_incurred, state.fees_outstanding, state.status) == (d("2.00"), d("2.00"), "open")


def test_a_fee_that_is_not_assessed_changes_nothing() -> None:
    log = Given(OVERDUE).log
    before = log.product(PRODUCT)
    log.recorded += product(PRODUCT, LateFeeNotAssessed("no_payer", date(2026, 4, 2)))
    assert log.product(PRODUCT) == before


@pytest.mark.parametrize(
    ("given", "command", "refusal"),
    [
        ((), replace(PAY, currency="XXX"), UnknownProduct(product_uuid=PRODUCT)),
        (WRITTEN_OFF, replace(PAY, currency="XXX"), ProductIsWrittenOff(product_uuid=PRODUCT)),
        (OWES, replace(PAY, currency="XXX"), UnknownCurrency(currency="XXX")),
        (OWES, replace(PAY, currency="EUR", amount=d("0")), CurrencyMismatch(expected="USD", given="EUR")),
        (OWES, replace(PAY, amount=d("0"), reference=""), InvalidAmount(value="0", reason="it is zero")),
        (OWES, replace(PAY, amount=d("900"), reference=""), InvalidText(field="reference", reason="it is empty")),
        (
            OVERDUE,
            replace(PAY, amount=d("801.01")),
            PaymentExceedsOutstanding(principal=d("800.00"), fees=d("1.00"), surplus=d("0.01"), currency="USD"),
        ),
        (
            ALL_PAID,
            PAY,
            PaymentExceedsOutstanding(principal=d("0.00"), fees=d("0.00"), surplus=d("100.00"), currency="USD"),
        ),
        ((), replace(REVERSE, reason=""), UnknownProduct(product_uuid=PRODUCT)),
        (WRITTEN_OFF, replace(REVERSE, reason=""), InvalidText(field="reason", reason="it is empty")),
        (ALL_PAID, replace(REVERSE, reason="", position=3), InvalidText(field="reason", reason="it is empty")),
        (
            ALL_PAID,
            replace(REVERSE, position=3),
            NothingToReverse(position=3, expected="PaymentApplied", stream_id=f"product-{PRODUCT}"),
        ),
        (
            OVERDUE + product(OTHER_PRODUCT, paid("1.00", "1.00", "0.00")),
            REVERSE,
            NothingToReverse(position=4, expected="PaymentApplied", stream_id=f"product-{PRODUCT}"),
        ),
        (
            ALL_PAID + product(PRODUCT, taken_back(4, "801.00", "800.00", "1.00")) + originated(uuid=OTHER_PRODUCT),
            REVERSE,
            AlreadyReversed(position=4),
        ),
        (
            ALL_PAID + originated("500.00", uuid=OTHER_PRODUCT),
            REVERSE,
            AssetAlreadyFinanced(
                asset_uuid=INVOICE, product_uuid=OTHER_PRODUCT, principal_outstanding=d("500.00"), currency="USD"
            ),
        ),
        ((), replace(WAIVE, currency="XXX"), UnknownProduct(product_uuid=PRODUCT)),
        (WRITTEN_OFF, replace(WAIVE, currency="XXX"), ProductIsWrittenOff(product_uuid=PRODUCT)),
        (OVERDUE, replace(WAIVE, currency="EUR", amount=d("0")), CurrencyMismatch(expected="USD", given="EUR")),
        (
            OVERDUE,
            replace(WAIVE, amount=d("0.001"), reason=""),
            InvalidAmount(value="0.001", reason="its currency has 2 digits after the point"),
        ),
        (OVERDUE, replace(WAIVE, amount=d("9"), reason=""), InvalidText(field="reason", reason="it is empty")),
        (
            OVERDUE,
            replace(WAIVE, amount=d("1.01")),
            WaiverExceedsFees(fees=d("1.00"), requested=d("1.01"), currency="USD"),
        ),
        ((), replace(WRITE_OFF, reason=""), UnknownProduct(product_uuid=PRODUCT)),
        (WRITTEN_OFF, replace(WRITE_OFF, reason=""), ProductIsWrittenOff(product_uuid=PRODUCT)),
        (ALL_PAID, replace(WRITE_OFF, reason=""), InvalidText(field="reason", reason="it is empty")),
        (ALL_PAID, WRITE_OFF, NothingOwed(product_uuid=PRODUCT)),
    ],
)
def test_a_product_refuses(given: Recorded, command: ApplyPayment, refusal: Refusal) -> None:
    Given(given).when(command).refused(refusal)


def test_a_fee_of_a_date_before_the_write_off_that_is_recorded_after_it_is_owed_and_can_be_waived() -> None:
    given = WRITTEN_OFF + product(PRODUCT, FEE)
    owing = Given(given).log.product(PRODUCT)
    assert (owing.fees_outstanding, owing.status) == (d("1.00"), "written_off")
    waived = product(PRODUCT, LateFeeWaived(d("1.00"), "USD", "goodwill"))
    left = Given(given).when(replace(WAIVE, amount=d("1.00"))).then(waived).product(PRODUCT)
    assert (left.fees_outstanding, left.status) == (d("0"), "written_off")
    for command in (replace(WAIVE, amount=d("0.01")), PAY, WRITE_OFF):
        Given(given, waived).when(command).refused(ProductIsWrittenOff(product_uuid=PRODUCT))


def test_a_fee_of_a_date_before_the_write_off_that_is_recorded_after_it_can_be_written_off_but_not_paid() -> None:
    given = WRITTEN_OFF + product(PRODUCT, FEE)
    Given(given).when(PAY).refused(ProductIsWrittenOff(product_uuid=PRODUCT))
    left = Given(given).when(WRITE_OFF).then(product(PRODUCT, loss("0.00", "1.00"))).product(PRODUCT)
    assert (left.fees_outstanding, left.fees_written_off, left.status) == (d("0"), d("2.00"), "written_off")
