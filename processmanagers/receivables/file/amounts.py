"""Amounts in a file: plain decimals, or with the decimal sign and the thousands separators that --decimal allows."""

import re
from decimal import Decimal
from typing import Final

from ledger.rules.money import parse_amount
from ledger.rules.refusals.fields import InvalidAmount

DECIMAL_SIGNS: Final = (".", ",")
_PLAIN: Final = re.compile(r"[0-9.]*")
_SPACES: Final = " \u00a0\u2009\u202f'\u2019"
_GROUPED: Final = {
    sign: re.compile(rf"([0-9]{{1,3}})(?:([{separators}])[0-9]{{3}}(?:\2[0-9]{{3}})*)?({re.escape(sign)}[0-9]+)?")
    for sign, separators in ((".", _SPACES + ","), (",", _SPACES + "."))
}


def read_amount(text: str, digits: int, decimal: str | None) -> Decimal:
    """Return the amount that a cell contains; raises InvalidAmount.

    Without a decimal sign given, only a plain decimal with a point is read: "1,234" could mean two amounts.
    """
    plain = text if decimal is None else _plain(text, decimal)
    if decimal == "," and plain == text and "." in text:
        raise InvalidAmount(value=text, reason="its decimal sign is not a comma")
    return parse_amount(plain, digits)


def readable_with(text: str, digits: int) -> str:
    """Return the --decimal that reads a cell, and the amount that it reads; empty if none reads it."""
    if _PLAIN.fullmatch(text):
        return ""
    found = []
    for sign in DECIMAL_SIGNS:
        plain = _plain(text, sign)
        if plain == text:
            continue
        try:
            found.append(f"--decimal {sign} reads it as {parse_amount(plain, digits)}")
        except InvalidAmount:
            continue
    return ", ".join(found)


def _plain(text: str, decimal: str) -> str:
    """Return the text without thousands separators and with a decimal point; unchanged if it is not such a number."""
    if _GROUPED[decimal].fullmatch(text) is None:
        return text.replace(decimal, ".", 1) if re.fullmatch(rf"[0-9]+{re.escape(decimal)}[0-9]+", text) else text
    whole, sign, fraction = text.partition(decimal)
    return re.sub(r"[^0-9]", "", whole) + ("." if sign else "") + fraction
