"""The currencies that commands may name: those of ISO 4217 that have a minor unit.

Asked when a command arrives and never on replay, because codes are retired.
"""

from types import MappingProxyType

from iso4217 import Currency

from ledger.rules.refusals.fields import UnknownCurrency

MINOR_DIGITS = MappingProxyType(
    {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
)
"""Code → digits after the point."""


def minor_digits(code: str) -> int:
    """Return how many digits an amount of this currency has after the point; raises UnknownCurrency."""
    digits = MINOR_DIGITS.get(code)
    if digits is None:
        raise UnknownCurrency(currency=code)
    return digits
