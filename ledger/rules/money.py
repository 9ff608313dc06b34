"""Exact decimal money: parses, checks and rounds amounts, without floats."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from ledger.rules.refusals.fields import InvalidAmount, InvalidRate

MAX_DIGITS: Final = 18
"""The greatest number of digits of an amount, with all digits after the point counted."""
MAX_RATE_DIGITS: Final = 8
"""The greatest number of digits of a rate after the point."""
MAX_LENGTH: Final = 2 * MAX_DIGITS
"""The greatest number of characters of a decimal as text; a longer one has too many digits in any currency."""
ZERO: Final = "it is zero"
BELOW_ZERO: Final = "it is below zero"

EXACT: Final = Context(prec=4 * MAX_DIGITS, rounding=ROUND_HALF_EVEN)
"""Wide enough for any value times any rate, so that only an intended rounding rounds."""
_PLAIN: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


def parse_decimal(text: str, field: str = "amount") -> Decimal:
    """Parse a text such as "97.60"; raise InvalidAmount for exponents, NaN and all else that is no plain decimal."""
    if _PLAIN.fullmatch(text) is None:
        raise InvalidAmount(field=field, value=text[:MAX_LENGTH], reason="it is not a plain decimal number")
    if len(text) > MAX_LENGTH:
        raise InvalidAmount(field=field, value=text[:MAX_LENGTH], reason="it has too many digits")
    return Decimal(text)


def parse_amount(text: str, digits: int) -> Decimal:
    """Parse an amount in a currency with this number of digits, or raise InvalidAmount."""
    return amount(parse_decimal(text), digits)


def amount(value: Decimal, digits: int, *, field: str = "amount", zero_allowed: bool = False) -> Decimal:
    """Return the value with exactly the currency's digits, or raise InvalidAmount."""
    fault = _fault(value, digits, zero_allowed=zero_allowed)
    if fault is not None:
        raise InvalidAmount(field=field, value=str(value), reason=fault)
    # Minus zero becomes zero.
    return abs(EXACT.quantize(value, Decimal(1).scaleb(-digits)))


def _fault(value: Decimal, digits: int, *, zero_allowed: bool) -> str | None:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        return "it is not a finite number"
    if exponent > 0:
        return "it is written with an exponent"
    if -exponent > digits:
        return f"its currency has {digits} digits after the point"
    if value < 0 or (value == 0 and not zero_allowed):
        return BELOW_ZERO if value < 0 else ZERO
    if not fits(value, digits):
        return f"it has more than {MAX_DIGITS} digits"
    return None


def fits(value: Decimal, digits: int) -> bool:
    """Say whether the value has at most 18 digits, with all digits after the point counted."""
    return value < Decimal(1).scaleb(MAX_DIGITS - digits)


def rate(value: Decimal) -> Decimal:
    """Return the rate, a fraction from 0 to 1 with at most 8 digits after the point, or raise InvalidRate."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise InvalidRate(value=str(value), reason="it is not a finite number")
    if exponent > 0:
        raise InvalidRate(value=str(value), reason="it is written with an exponent")
    if -exponent > MAX_RATE_DIGITS:
        raise InvalidRate(value=str(value), reason=f"it has more than {MAX_RATE_DIGITS} digits after the point")
    if not 0 <= value <= 1:
        raise InvalidRate(value=str(value), reason="it is not from 0 to 1")
    return abs(value)


def digits_of(recorded: Decimal) -> int:
    """Return the number of digits after the point of a recorded amount, which was its currency's at that time."""
    exponent = recorded.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def zero_like(recorded: Decimal) -> Decimal:
    """Return zero with the digits of a recorded amount."""
    return Decimal(0).scaleb(-digits_of(recorded))


def to_minor(recorded: Decimal) -> int:
    """Return the amount in minor units: "97.60" is 9760."""
    return int(recorded.scaleb(digits_of(recorded), EXACT))


def from_minor(units: int, digits: int) -> Decimal:
    """Return minor units as an amount of a currency with this number of digits: 9760 and 2 is "97.60"."""
    return Decimal(units).scaleb(-digits, EXACT)


def to_text(recorded: Decimal) -> str:
    """Return the amount as it stands in JSON: with all its digits and no exponent."""
    return f"{recorded:f}"
