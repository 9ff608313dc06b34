"""JSON pointers (RFC 6901): how one is written, and the one of the field that a rule refuses."""

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

from ledger.rules import texts
from ledger.rules.refusals.base import NotAcceptable
from ledger.rules.refusals.fields import (
    CurrencyRequired,
    InvalidAmount,
    InvalidDate,
    InvalidRate,
    InvalidText,
    UnknownCurrency,
    UnknownFromType,
    UnknownProductLine,
)

_FIELDS: Final[dict[type[NotAcceptable], tuple[str, str]]] = {
    InvalidRate: ("daily_late_fee_rate", "value"),
    InvalidDate: ("due_date", "value"),
    UnknownCurrency: ("currency", "currency"),
    UnknownProductLine: ("product_line_id", "product_line_id"),
    UnknownFromType: ("from_type", "from_type"),
}
"""Refusals of one field: the field's name in the command, and the refusal's attribute with the value refused."""


def json_pointer(*parts: str | int) -> str:
    """Return the pointer of these member names and list indexes, escaped; the whole document if there are none."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def pointer_to(refusal: NotAcceptable, command: object) -> str:
    """Return the pointer of the refused field, or that of the whole command if it is not one field."""
    if isinstance(refusal, CurrencyRequired):
        return "/currency"
    return next((pointer for pointer, name, value in _scalars(command, "") if _is_refused(refusal, name, value)), "")


def _is_refused(refusal: NotAcceptable, name: str, value: Any) -> bool:
    match refusal:
        case InvalidAmount():
            return name == refusal.field and str(value) == refusal.value
        case InvalidText():
            return name == refusal.field and isinstance(value, str) and not _is_valid_text(value)
        case _ if type(refusal) in _FIELDS:
            field, attribute = _FIELDS[type(refusal)]
            return name == field and str(value) == str(getattr(refusal, attribute))
        case _:
            return False


def _is_valid_text(value: str) -> bool:
    try:
        texts.text("", value)
    except InvalidText:
        return False
    return True


def _scalars(value: Any, pointer: str) -> Iterator[tuple[str, str, Any]]:
    """Yield the pointer, the field's name and the value of each value that has no parts."""
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _scalars(item, pointer + json_pointer(index))
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _scalars(getattr(value, field.name), pointer + json_pointer(field.name))
    else:
        yield pointer, pointer.rpartition("/")[2], value
