"""Schemas of responses: made from the dataclasses of events and states, or defined here if there is none.

# Note [Answers may grow]
A later release may add members to an answer, types of events and kinds of problems. So a schema does not forbid members
that it does not name, and the union of all types of events ends with one for types that are not known yet.
"""

import inspect
import types
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_type_hints
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field, WithJsonSchema, create_model

from eventstore.payloads.type_hints import Leaf, ListOf, Nullable, OneOf, Record, Shape, fields_of, shape_of
from ledger.rules.events import CATEGORIES


def _string_schema(**members: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **members})


Amount = Annotated[Decimal, _string_schema(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
"""A decimal as a string, with all its digits."""
Timestamp = Annotated[datetime, _string_schema(format="date-time")]
"""A moment in UTC."""
Next = Annotated[str | None, Field(description="The address of the next page; null on the last page.")]
"""The link from a page to the next."""

_SCALARS: Final[Mapping[Any, Any]] = {
    Decimal: Amount,
    datetime: Timestamp,
    UUID: Annotated[UUID, _string_schema(format="uuid")],
    date: Annotated[date, _string_schema(format="date")],
    int: int,
    float: float,
    str: str,
    bool: bool,
}


class ResponseSchema(Schema):
    """A response body or a part of one. See Note [Answers may grow]."""


def type_of(hint: Any) -> Any:
    """Return the annotated type of a value in a response, from its type hint."""
    return _type_of(shape_of(hint))


def _type_of(shape: Shape) -> Any:
    match shape:
        case Leaf(python_type) if python_type in _SCALARS:
            return _SCALARS[python_type]
        case Record(cls):
            return schema_of(cls, f"Recorded{cls.__name__}")
        case OneOf(hint=hint):
            return hint
        case ListOf(item):
            return types.GenericAlias(list, (_type_of(item),))
        case Nullable(value):
            return _type_of(value) | None
        case _:
            raise TypeError(f"{shape!r} cannot be sent in a response")


@cache
def schema_of(cls: type, name: str, without: frozenset[str] = frozenset()) -> type[ResponseSchema]:
    """Return the schema of a dataclass without some of its fields."""
    fields = {field.name: _type_of(field.shape) for field in fields_of(cls) if field.name not in without}
    return new_schema(name, cls.__doc__, fields)


def new_schema(
    name: str, doc: str | None, fields: Mapping[str, Any], optional: Mapping[str, Any] = MappingProxyType({})
) -> type[ResponseSchema]:
    """Return a schema with these fields, all of them required but the optional ones."""
    definitions: dict[str, Any] = {field: (field_type, ...) for field, field_type in fields.items()}
    # With a default of None in place of a factory, the document would say that the field may be null.
    definitions |= {field: (field_type, Field(default_factory=lambda: None)) for field, field_type in optional.items()}
    schema: type[ResponseSchema] = create_model(name, __base__=ResponseSchema, __doc__=doc, **definitions)
    return schema


def member_type(cls: type, name: str) -> Any:
    """Return the annotated type of a field or property of a class."""
    found = inspect.getattr_static(cls, name)
    return type_of(get_type_hints(found.fget)["return"] if isinstance(found, property) else get_type_hints(cls)[name])


EVENT_TYPES: Final = {cls.__name__: cls for classes in CATEGORIES.values() for cls in classes}
"""The class of every event, by the name of its type."""


class FaultSchema(Schema):
    """One fault of a body or a query."""

    pointer: str = Field(description="The place of the fault, a JSON pointer (RFC 6901).")
    detail: str


class ProblemSchema(Schema):
    """An error (RFC 9457); further members are the figures that the rule compared."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(
        description="A slug that never changes; GET /api/problems/{slug} explains it.", examples=["insufficient-funds"]
    )
    title: str
    status: int
    detail: str
    errors: list[FaultSchema] = Field(default_factory=list)


PROBLEMS: Final = dict.fromkeys((400, 401, 403, 409, 413, 422, 503), ProblemSchema)
"""The errors that every command may have."""


class EventSchema(ResponseSchema):
    """An event that a command recorded."""

    position: int
    stream_id: str
    version: int
    type: str
    payload: dict[str, Any]


class LoggedEventSchema(EventSchema):
    """An event of the log."""

    schema_version: int
    actor: str = Field(description="The name of the user, client or process that recorded the event.")
    actor_id: int | None = Field(description="The id of that user, which never changes; null of the ledger's own.")
    correlation_id: str
    causation: int | None = Field(description="The position of the event that caused this one.")
    recorded_at: Timestamp


def _one_of_types(base: type[EventSchema], prefix: str) -> Any:
    """Return the union of an event's schemas, one for each type, which `type` distinguishes.

    The last one is of the types that may be added; see Note [Answers may grow].
    """
    schemas = {name: _of_type(base, f"{prefix}{name}", name) for name in sorted(EVENT_TYPES)}
    new_type: dict[str, Any] = {"type": (Annotated[str, _string_schema(**{"not": {"enum": list(schemas)}})], ...)}
    doc = "An event of a type that was added after this document was made."
    unknown: type[EventSchema] = create_model(f"{prefix}EventOfNewType", __base__=base, __doc__=doc, **new_type)
    mapping = {name: f"#/components/schemas/{schema.__name__}" for name, schema in schemas.items()}

    def add_discriminator(schema: dict[str, Any]) -> None:
        schema["oneOf"] = schema.pop("anyOf")
        schema["discriminator"] = {"propertyName": "type", "mapping": mapping}

    return Annotated[Union[(*schemas.values(), unknown)], Field(json_schema_extra=add_discriminator)]


def _of_type(base: type[EventSchema], schema_name: str, event_type: str) -> type[EventSchema]:
    cls = EVENT_TYPES[event_type]
    fields: dict[str, Any] = {
        "type": (Literal[event_type], ...),
        "payload": (schema_of(cls, f"{event_type}Payload"), ...),
    }
    schema: type[EventSchema] = create_model(schema_name, __base__=base, __doc__=cls.__doc__, **fields)
    return schema


if TYPE_CHECKING:
    RecordedEvent = EventSchema
    LoggedEvent = LoggedEventSchema
else:
    RecordedEvent = _one_of_types(EventSchema, "Recorded")
    LoggedEvent = _one_of_types(LoggedEventSchema, "Logged")
"""An event in the answer to a command, and an event of the log."""


class Recorded(ResponseSchema):
    """The events that a command recorded."""

    position: int = Field(description="The position of the last event.")
    events: list[RecordedEvent]


class EventPage(ResponseSchema):
    """A page of the log, in order of position."""

    items: list[LoggedEvent]
    next: Next
