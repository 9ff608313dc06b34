"""The amount of a late fee: the value of the asset × the daily rate of the product, rounded once."""

from decimal import Decimal

from ledger.rules.money import EXACT


def amount(value: Decimal, daily_rate: Decimal) -> Decimal:
    """Return value × rate, rounded once, half-even, to the digits of the value."""
    return EXACT.quantize(EXACT.multiply(value, daily_rate), value)
