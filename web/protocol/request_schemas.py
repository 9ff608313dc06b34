"""Schemas of request bodies, made from the dataclasses of commands."""

import re
import types
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Final, get_args
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator, Strict, WithJsonSchema, create_model
from pydantic.fields import FieldInfo

from eventstore.patterns import DATE_PATTERN, UUID_PATTERN
from eventstore.payloads.type_hints import MISSING, Leaf, ListOf, Nullable, Record, Shape, fields_of
from ledger.rules import money, texts
from ledger.rules.aggregates.deal import PRODUCT_LINES
from ledger.rules.refusals.fields import InvalidAmount

_UUID: Final = re.compile(UUID_PATTERN, re.IGNORECASE)
_DATE: Final = re.compile(DATE_PATTERN)
_MAX_TEXT: Final = 2000
"""A longer text is refused here; a shorter one may still be refused by the rule, which says so better."""
_NO_CONTROLS: Final = r"^[^\u0000-\u001f\u007f-\u009f]+$"
_MAX_ITEMS: Final = 1000
_MAX_INT: Final = 2**63 - 1
_INT_SCHEMA: Final = {"type": "integer", "format": "int64", "minimum": -_MAX_INT, "maximum": _MAX_INT}


class RequestSchema(BaseModel):
    """A request body or a part of one: unknown fields are refused, and values are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _decimal(value: object) -> Decimal:
    if not isinstance(value, str):
        message = "must be a string, so that no digit is lost"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports a ValueError as a fault of the value
    if len(value) > money.MAX_LENGTH:
        message = f"must have at most {money.MAX_LENGTH} characters"
        raise ValueError(message)
    try:
        return money.parse_decimal(value)
    except InvalidAmount as error:
        message = "must be a plain decimal number such as 1250.00"
        raise ValueError(message) from error


def _uuid(value: object) -> UUID:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        message = "must be a UUID"
        raise ValueError(message)
    return UUID(value)


def _date(value: object) -> date:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    message = "must be a date such as 2026-01-31"
    raise ValueError(message)


def _int(value: int) -> int:
    if abs(value) > _MAX_INT:
        message = f"must be from {-_MAX_INT} to {_MAX_INT}"
        raise ValueError(message)
    return value


def _text(value: str) -> str:
    if len(value) > _MAX_TEXT:
        message = f"must have at most {_MAX_TEXT} characters"
        raise ValueError(message)
    return value


def _items(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(value) > _MAX_ITEMS:
        message = f"must have at most {_MAX_ITEMS} items"
        raise ValueError(message)
    return value


def _string_schema(**members: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **members})


_SCALARS: Final[dict[Any, Any]] = {
    Decimal: Annotated[
        Decimal,
        PlainValidator(_decimal),
        _string_schema(pattern=r"^-?[0-9]+(\.[0-9]+)?$", maxLength=money.MAX_LENGTH, examples=["1250.00"]),
    ],
    UUID: Annotated[UUID, PlainValidator(_uuid), _string_schema(format="uuid")],
    datetime: Annotated[datetime, _string_schema(format="date-time")],
    date: Annotated[date, PlainValidator(_date), _string_schema(format="date", examples=["2026-01-31"])],
    int: Annotated[int, AfterValidator(_int), WithJsonSchema(_INT_SCHEMA)],
    str: Annotated[
        str, AfterValidator(_text), _string_schema(minLength=1, maxLength=texts.MAX_TEXT_LENGTH, pattern=_NO_CONTROLS)
    ],
    bool: bool,
}

_FIELD_SCHEMAS: Final[Mapping[str, dict[str, Any]]] = {
    "currency": {
        "pattern": "^[A-Z]{3}$",
        "minLength": 3,
        "maxLength": 3,
        "examples": ["USD"],
        "description": "An ISO 4217 code. The default is the currency of the command's target, if it has one.",
    },
    "daily_late_fee_rate": {
        "examples": ["0.001"],
        "description": "The fraction charged for each day: from 0 to 1, with at most 8 digits after the point.",
    },
    "from_type": {"enum": ["asset", "company"]},
    "late_fee_payer_role": {"description": "A role in the deal; the company that plays it pays the late fees."},
    "product_line_id": {
        "minimum": min(PRODUCT_LINES),
        "maximum": max(PRODUCT_LINES),
        "description": ", ".join(f"{number}: {name}" for number, name in PRODUCT_LINES.items()) + ".",
    },
    "rating_tier": {"description": "Required for a membership deal; no other deal has one."},
    "role": {"description": "What the company is in the deal: any text, such as seller, debtor or member."},
}
"""What the schema of a field has beyond that of its type: the limits of the rule that checks the field."""


def scalar_type(python_type: type) -> Any:
    """Return the annotated type of a value without parts, such as a date."""
    return _SCALARS[python_type]


def _with_schema(annotated: Any, members: dict[str, Any]) -> Any:
    """Return an annotated type with further members in its schema."""
    python_type, *validators, schema = get_args(annotated)
    return Annotated[(python_type, *validators, WithJsonSchema(schema.json_schema | members))]


def _type_of(shape: Shape, name: str = "") -> Any:
    match shape:
        case Leaf(python_type) if python_type in _SCALARS:
            scalar = _SCALARS[python_type]
            return _with_schema(scalar, _FIELD_SCHEMAS[name]) if name in _FIELD_SCHEMAS else scalar
        case Record(cls):
            return request_schema_of(cls)
        case ListOf(item):
            items: Any = types.GenericAlias(tuple, (_type_of(item), Ellipsis))
            return Annotated[items, Strict(strict=False), AfterValidator(_items)]
        case Nullable(value):
            return _type_of(value, name) | None
        case _:
            raise TypeError(f"{shape!r} cannot be sent in a request")


@cache
def request_schema_of(cls: type, optional: frozenset[str] = frozenset()) -> type[RequestSchema]:
    """Return the schema of a dataclass of commands; the fields in `optional` may be left out."""
    fields: dict[str, Any] = {}
    for field in fields_of(cls):
        field_type = _type_of(field.shape, field.name)
        if field.name in optional:
            fields[field.name] = (field_type | None, FieldInfo(default=None))
        elif field.default is not MISSING:
            fields[field.name] = (field_type, FieldInfo(default=field.default))
        else:
            fields[field.name] = (field_type, ...)
    schema: type[RequestSchema] = create_model(cls.__name__, __base__=RequestSchema, __doc__=cls.__doc__, **fields)
    return schema


def field_values(body: RequestSchema, cls: type) -> dict[str, Any]:
    """Return the fields of a body as the arguments of its dataclass, with dataclasses in place of its parts."""
    return {
        field.name: _value(getattr(body, field.name), field.shape)
        for field in fields_of(cls)
        if field.name in type(body).model_fields
    }


def _value(value: Any, shape: Shape) -> Any:
    match shape:
        case Nullable(inner) if value is not None:
            return _value(value, inner)
        case Record(cls):
            return cls(**field_values(value, cls))
        case ListOf(item):
            return tuple(_value(one, item) for one in value)
        case _:
            return value
