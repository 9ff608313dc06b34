"""A late fee is rounded once."""

from decimal import Decimal

import pytest

from ledger.rules import late_fee


@pytest.mark.parametrize(
    ("value", "rate", "fee"),
    [
        ("1000.00", "0.001", "1.00"),
        ("5.00", "0.001", "0.00"),
        ("15.00", "0.001", "0.02"),
        ("25.00", "0.001", "0.02"),
        ("5.01", "0.001", "0.01"),
        ("1500", "0.001", "2"),
        ("2500", "0.001", "2"),
        ("0.00", "0.001", "0.00"),
        ("9999999999999999.99", "0.99999999", "9999999899999999.99"),
        ("9999999999999999.99", "1", "9999999999999999.99"),
    ],
)
def test_a_late_fee_is_rounded_once_half_even_to_the_digits_of_the_value(value: str, rate: str, fee: str) -> None:
    assert str(late_fee.amount(Decimal(value), Decimal(rate))) == fee
