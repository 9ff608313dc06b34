"""Money is exact and canonical; everything else is refused."""

from decimal import Decimal

import pytest

from ledger.rules import money
from ledger.rules.refusals.fields import InvalidAmount, InvalidRate


@pytest.mark.parametrize(
    ("text", "digits", "canonical"),
    [
        ("97.6", 2, "97.60"),
        ("97.60", 2, "97.60"),
        ("97", 2, "97.00"),
        ("0.01", 2, "0.01"),
        ("007", 0, "7"),
        ("5", 0, "5"),
        ("1.5", 3, "1.500"),
        ("9999999999999999.99", 2, "9999999999999999.99"),
        ("999999999999999999", 0, "999999999999999999"),
        ("999999999999999.999", 3, "999999999999999.999"),
    ],
)
def test_an_amount_is_recorded_with_exactly_the_digits_of_its_currency(text: str, digits: int, canonical: str) -> None:
    assert str(money.parse_amount(text, digits)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1e2",
        "1E+2",
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "1_000",
        "1,000",
        ".5",
        "5.",
        "+1",
        "0x1",
        "--1",
        "\u0661",
        "1\n",
        "x" * 37,
    ],
)
def test_a_text_that_is_not_a_plain_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount, match="plain decimal"):
        money.parse_decimal(text)


@pytest.mark.parametrize("text", ["1" * 37, "0." + "1" * 5000])
def test_a_number_that_is_too_long_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount, match="it has too many digits") as refused:
        money.parse_decimal(text)
    assert len(refused.value.value) == 36


@pytest.mark.parametrize("text", ["0", "-1", "0.10", "0" * 35 + "1", "0.0000000001"])
def test_a_plain_decimal_number_is_read_as_it_is_written(text: str) -> None:
    assert money.to_text(money.parse_decimal(text)) == (text.lstrip("0") if len(text) > 30 else text)


@pytest.mark.parametrize(
    ("value", "digits", "reason"),
    [
        ("NaN", 2, "not a finite number"),
        ("sNaN", 2, "not a finite number"),
        ("Infinity", 2, "not a finite number"),
        ("-Infinity", 2, "not a finite number"),
        ("1E+2", 2, "exponent"),
        ("97.605", 2, "2 digits after the point"),
        ("97.600", 2, "2 digits after the point"),
        ("1E-999999", 2, "2 digits after the point"),
        ("1.0", 0, "0 digits after the point"),
        ("-1", 2, "below zero"),
        ("0", 2, "zero"),
        ("0.00", 2, "zero"),
        ("-0", 2, "zero"),
        ("10000000000000000", 2, "more than 18 digits"),
        ("10000000000000000.00", 2, "more than 18 digits"),
        ("1000000000000000", 3, "more than 18 digits"),
        ("1000000000000000000", 0, "more than 18 digits"),
    ],
)
def test_an_amount_that_its_currency_cannot_have_is_refused(value: str, digits: int, reason: str) -> None:
    with pytest.raises(InvalidAmount, match=reason) as refused:
        money.amount(Decimal(value), digits, field="principal")
    assert refused.value.field == "principal"
    assert refused.value.value == value
    assert "Send an amount above 0 as text, with no more digits than its currency has" in refused.value.remedy


@pytest.mark.parametrize("zero", ["0", "0.00", "-0.0"])
def test_zero_is_refused_unless_allowed_and_has_no_sign(zero: str) -> None:
    assert str(money.amount(Decimal(zero), 2, zero_allowed=True)) == "0.00"
    with pytest.raises(InvalidAmount):
        money.amount(Decimal("-0.01"), 2, zero_allowed=True)


@pytest.mark.parametrize("value", ["0", "1", "0.001", "0.00000001", "1.00000000", "0.5", "-0"])
def test_a_rate_is_a_fraction_from_0_to_1(value: str) -> None:
    assert money.rate(Decimal(value)) == Decimal(value)
    assert not money.rate(Decimal(value)).is_signed()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("NaN", "finite"),
        ("Infinity", "finite"),
        ("1E+1", "exponent"),
        ("0E+1", "exponent"),
        ("0.000000001", "8 digits"),
        ("0.100000000", "8 digits"),
        ("-0.001", "from 0 to 1"),
        ("1.00000001", "from 0 to 1"),
        ("2", "from 0 to 1"),
    ],
)
def test_a_rate_beyond_its_bounds_is_refused(value: str, reason: str) -> None:
    with pytest.raises(InvalidRate, match=reason):
        money.rate(Decimal(value))


@pytest.mark.parametrize(
    ("amount", "units", "digits"),
    [("97.60", 9760, 2), ("5", 5, 0), ("0.001", 1, 3), ("-1.00", -100, 2), ("0.00", 0, 2)],
)
def test_an_amount_is_converted_to_minor_units_and_back(amount: str, units: int, digits: int) -> None:
    assert money.to_minor(Decimal(amount)) == units
    assert str(money.from_minor(units, digits)) == amount


def test_the_text_of_an_amount_never_has_an_exponent() -> None:
    assert money.to_text(Decimal("0E-8")) == "0.00000000"
    assert money.to_text(Decimal("9999999999999999.99")) == "9999999999999999.99"


def test_zero_like_an_amount_has_its_digits() -> None:
    assert [str(money.zero_like(Decimal(like))) for like in ("97.60", "5", "1.000")] == ["0.00", "0", "0.000"]
