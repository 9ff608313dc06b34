"""Schemas of requests and answers, made from the definitions of commands and events themselves."""

import re
import types
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Final, get_args
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, PlainValidator, Strict, WithJsonSchema, create_model
from pydantic.fields import FieldInfo

from eventstore.patterns import DATE_PATTERN, UUID_PATTERN
from eventstore.payloads.type_hints import MISSING, Leaf, ListOf, Nullable, Record, Shape, fields_of
from ledger.rules import guards, money
from ledger.rules.aggregates.deal import PRODUCT_LINES
from ledger.rules.refusals.fields import InvalidAmount

_UUID: Final = re.compile(UUID_PATTERN, re.IGNORECASE)
_DATE: Final = re.compile(DATE_PATTERN)
_LONGEST_TEXT: Final = 2000
"""What is longer is not even shown to the rule, which allows less and says so."""
_NO_CONTROLS: Final = r"^[^\u0000-\u001f\u007f-\u009f]+$"
_MOST_ITEMS: Final = 1000
_GREATEST: Final = 2**63 - 1
_WHOLE: Final = {"type": "integer", "format": "int64", "minimum": -_GREATEST, "maximum": _GREATEST}


class Form(Schema):
    """What every schema has: each field as it must be, and no other."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _decimal(value: object) -> Decimal:
    if not isinstance(value, str):
        message = "it is not a text; an amount is sent as text, so that no digit is lost"
        raise ValueError(message)  # noqa: TRY004 - what pydantic takes for a fault of the value
    try:
        return money.parse_decimal(value)
    except InvalidAmount as error:
        raise ValueError(error.reason) from error


def _uuid(value: object) -> UUID:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        message = "it is not a UUID"
        raise ValueError(message)
    return UUID(value)


def _date(value: object) -> date:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    message = "it is not a date such as 2026-01-31"
    raise ValueError(message)


def _whole(value: int) -> int:
    if abs(value) > _GREATEST:
        message = f"it is beyond {_GREATEST}"
        raise ValueError(message)
    return value


def _short(value: str) -> str:
    if len(value) > _LONGEST_TEXT:
        message = f"it is longer than {_LONGEST_TEXT}"
        raise ValueError(message)
    return value


def _few(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(value) > _MOST_ITEMS:
        message = f"it has more than {_MOST_ITEMS} items"
        raise ValueError(message)
    return value


def _text_schema(**more: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **more})


_LEAVES: Final[dict[Any, Any]] = {
    Decimal: Annotated[
        Decimal,
        PlainValidator(_decimal),
        _text_schema(pattern=r"^-?[0-9]+(\.[0-9]+)?$", maxLength=money.MAX_LENGTH, examples=["1250.00"]),
    ],
    UUID: Annotated[UUID, PlainValidator(_uuid), _text_schema(format="uuid")],
    datetime: Annotated[datetime, _text_schema(format="date-time")],
    date: Annotated[date, PlainValidator(_date), _text_schema(format="date", examples=["2026-01-31"])],
    int: Annotated[int, AfterValidator(_whole), WithJsonSchema(_WHOLE)],
    str: Annotated[
        str, AfterValidator(_short), _text_schema(minLength=1, maxLength=guards.MAX_TEXT_LENGTH, pattern=_NO_CONTROLS)
    ],
    bool: bool,
}

_MORE: Final[Mapping[str, dict[str, Any]]] = {
    "currency": {
        "pattern": "^[A-Z]{3}$",
        "minLength": 3,
        "maxLength": 3,
        "examples": ["USD"],
        "description": "A code of ISO 4217. Left out, it is the currency of what the command is about, if it has one.",
    },
    "daily_late_fee_rate": {
        "examples": ["0.001"],
        "description": "The fraction of a day: from 0 to 1, with at most 8 digits after the point.",
    },
    "from_type": {"enum": ["asset", "company"]},
    "late_fee_payer_role": {"description": "A role that a company plays in the deal: that company pays the late fees."},
    "product_line_id": {
        "minimum": min(PRODUCT_LINES),
        "maximum": max(PRODUCT_LINES),
        "description": ", ".join(f"{number}: {name}" for number, name in PRODUCT_LINES.items()) + ".",
    },
    "rating_tier": {"description": "Of a membership, which must have one; no other deal has any."},
    "role": {"description": "What the company is in the deal, in any words: such as seller, debtor or member."},
}
"""What the schema of a field says beyond that of its type, as the rule has it which refuses everything else."""


def leaf(kind: type) -> Any:
    """Return how a request shows a value that has no parts, such as a date."""
    return _LEAVES[kind]


def _told(kind: Any, more: dict[str, Any]) -> Any:
    """Return a leaf whose schema says more."""
    of, *validators, schema = get_args(kind)
    return Annotated[(of, *validators, WithJsonSchema(schema.json_schema | more))]


def _form(shape: Shape, name: str = "") -> Any:
    match shape:
        case Leaf(kind) if kind in _LEAVES:
            return _told(_LEAVES[kind], _MORE[name]) if name in _MORE else _LEAVES[kind]
        case Record(cls):
            return form_of(cls)
        case ListOf(item):
            items: Any = types.GenericAlias(tuple, (_form(item), Ellipsis))
            return Annotated[items, Strict(strict=False), AfterValidator(_few)]
        case Nullable(value):
            return _form(value, name) | None
        case _:
            raise TypeError(f"{shape!r} has no form in a request")


@cache
def form_of(cls: type, optional: frozenset[str] = frozenset()) -> type[Form]:
    """Return the schema of a dataclass of commands or events; `optional` are fields that may be left out."""
    fields: dict[str, Any] = {}
    for field in fields_of(cls):
        form = _form(field.shape, field.name)
        if field.name in optional:
            fields[field.name] = (form | None, FieldInfo(default=None))
        elif field.default is not MISSING:
            fields[field.name] = (form, FieldInfo(default=field.default))
        else:
            fields[field.name] = (form, ...)
    made: type[Form] = create_model(cls.__name__, __base__=Form, __doc__=cls.__doc__, **fields)
    return made


def values(form: Form, cls: type) -> dict[str, Any]:
    """Return the fields of a form as the dataclass takes them, with dataclasses in place of forms."""
    return {
        field.name: _value(getattr(form, field.name), field.shape)
        for field in fields_of(cls)
        if field.name in type(form).model_fields
    }


def _value(value: Any, shape: Shape) -> Any:
    match shape:
        case Nullable(inner) if value is not None:
            return _value(value, inner)
        case Record(cls):
            return cls(**values(value, cls))
        case ListOf(item):
            return tuple(_value(one, item) for one in value)
        case _:
            return value
