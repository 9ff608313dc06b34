"""The form of a stored payload: JSON made from frozen dataclasses, checked before writing and after reading.

Decimals, UUIDs, dates and moments are text, so that no reader mistakes an amount for a float. Unknown fields, missing
fields and values of another type are refused in both directions.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from pydantic_core import CoreSchema, PydanticSerializationError, SchemaSerializer, SchemaValidator, ValidationError
from pydantic_core import core_schema as schema

from eventstore.payloads.type_hints import MISSING, Leaf, ListOf, Nullable, OneOf, Record, Shape, fields_of, shape_of


def _decimal_text(value: object) -> str:
    if type(value) is not Decimal:
        message = f"{value!r} is not a decimal"
        raise ValueError(message)
    text = str(value)
    # Python writes a small rate, such as 0.00000001, with an exponent. A positive exponent is refused on reading.
    return f"{value:f}" if "E-" in text else text


def _whole_number(value: object) -> int:
    if type(value) is not int:
        message = f"{value!r} is not a whole number"
        raise ValueError(message)
    return value


_LEAVES: Final[dict[type, CoreSchema]] = {
    # A decimal is text: a JSON number, NaN, infinity and exponents are refused.
    Decimal: schema.chain_schema(
        [
            schema.str_schema(strict=True, pattern=r"^-?[0-9]+(\.[0-9]+)?$"),
            schema.no_info_plain_validator_function(Decimal),
        ],
        serialization=schema.plain_serializer_function_ser_schema(_decimal_text),
    ),
    UUID: schema.uuid_schema(strict=True),
    datetime: schema.datetime_schema(strict=True, tz_constraint="aware"),
    date: schema.date_schema(strict=True),
    str: schema.str_schema(strict=True),
    bool: schema.bool_schema(strict=True),
    int: schema.int_schema(
        strict=True,
        serialization=schema.plain_serializer_function_ser_schema(_whole_number, return_schema=schema.int_schema()),
    ),
}


def _schema_of(shape: Shape) -> CoreSchema:
    match shape:
        case Leaf(kind) if kind in _LEAVES:
            return _LEAVES[kind]
        case Record(cls):
            return _dataclass_schema(cls)
        case ListOf(item):
            return schema.tuple_schema([_schema_of(item)], variadic_item_index=0)
        case Nullable(value):
            return schema.nullable_schema(_schema_of(value))
        case Leaf(kind):
            raise TypeError(f"{kind!r} cannot be stored: the codec has no form for it")
        case OneOf(hint=hint):
            raise TypeError(f"{hint!r} cannot be stored: the codec has no form for it")


def _dataclass_schema(cls: type) -> CoreSchema:
    fields = []
    for field in fields_of(cls):
        form = _schema_of(field.shape)
        if field.default is not MISSING:
            form = schema.with_default_schema(form, default=field.default)
        fields.append(schema.dataclass_field(field.name, form, kw_only=False))
    arguments = schema.dataclass_args_schema(cls.__name__, fields, extra_behavior="forbid")
    names = [field.name for field in fields_of(cls)]
    return schema.dataclass_schema(cls, arguments, names, frozen=True, slots="__slots__" in vars(cls))


class Codec:
    """Turns instances of one frozen dataclass into JSON text and back, checking both ways."""

    def __init__(self, cls: type) -> None:
        form = _schema_of(shape_of(cls))
        self._validator = SchemaValidator(form)
        self._serializer = SchemaSerializer(form)

    def encode(self, data: object) -> str:
        """Return the JSON of an instance; ValueError if decoding it would not return an equal instance."""
        try:
            encoded = self._serializer.to_json(data, warnings="error")
            again = self._validator.validate_json(encoded)
        except ValidationError as error:
            raise ValueError(fault_of(error)) from error
        except PydanticSerializationError as error:
            raise ValueError(" ".join(str(error).split())) from error
        if again != data:
            message = f"{data!r} would be read back as {again!r}"
            raise ValueError(message)
        return encoded.decode()

    def decode(self, text: str) -> Any:
        """Return the instance that the JSON text describes; ValueError names the fault."""
        try:
            return self._validator.validate_json(text)
        except ValidationError as error:
            raise ValueError(fault_of(error)) from error


def fault_of(error: ValidationError) -> str:
    """Return the first fault of a payload and its place, on one line."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])
