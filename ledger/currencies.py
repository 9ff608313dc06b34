"""The currencies that a command may name: those of ISO 4217 that have a minor unit.

A currency is checked when a command arrives and never on replay, because codes are retired.
"""

from types import MappingProxyType

from iso4217 import Currency

from ledger.rules.refusals.fields import UnknownCurrency

MINOR_DIGITS = MappingProxyType(
    {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
)
"""Digits after the point, by code."""


def minor_digits(code: str) -> int:
    """Return the number of digits that the currency has after the point; raises UnknownCurrency."""
    digits = MINOR_DIGITS.get(code)
    if digits is None:
        raise UnknownCurrency(currency=code)
    return digits
