"""The currencies that a command may name."""

import pytest

from ledger.currencies import MINOR_DIGITS, minor_digits
from ledger.rules.refusals.fields import UnknownCurrency


@pytest.mark.parametrize(("code", "digits"), [("USD", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)])
def test_a_currency_has_the_digits_of_iso_4217(code: str, digits: int) -> None:
    assert minor_digits(code) == digits


@pytest.mark.parametrize("code", ["XAU", "XXX", "XTS", "usd", "US", "DEM", ""])
def test_a_code_without_a_minor_unit_or_outside_iso_4217_is_unknown(code: str) -> None:
    with pytest.raises(UnknownCurrency) as refused:
        minor_digits(code)
    assert refused.value.currency == code


def test_every_code_has_three_capital_letters() -> None:
    assert all(len(code) == 3 and code.isupper() for code in MINOR_DIGITS)
