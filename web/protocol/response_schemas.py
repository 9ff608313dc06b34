"""Schemas of answers: made from the definitions of events and states, or written here where there is none."""

import inspect
import types
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_type_hints
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field, WithJsonSchema, create_model

from eventstore.payloads.type_hints import Leaf, ListOf, Nullable, OneOf, Record, Shape, fields_of, shape_of
from ledger.rules.events import CATEGORIES
from web.protocol.query_parameters import EventType


def _text(**more: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **more})


Amount = Annotated[Decimal, _text(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
"""A decimal as text, with all its digits."""
Moment = Annotated[datetime, _text(format="date-time")]
"""A moment in UTC."""

Next = Annotated[str | None, Field(description="The address of what follows; null where this was the end.")]
"""The link from a page to the next."""

_LEAVES: Final[Mapping[Any, Any]] = {
    Decimal: Amount,
    datetime: Moment,
    UUID: Annotated[UUID, _text(format="uuid")],
    date: Annotated[date, _text(format="date")],
    int: int,
    float: float,
    str: str,
    bool: bool,
}


class Told(Schema):
    """What every schema of an answer has: each field is there, and no other."""

    model_config = ConfigDict(extra="forbid")


def shape(hint: Any) -> Any:
    """Return how an answer shows a value of a type."""
    return _schema(shape_of(hint))


def _schema(shape: Shape) -> Any:
    match shape:
        case Leaf(kind) if kind in _LEAVES:
            return _LEAVES[kind]
        case Record(cls):
            return told(cls, f"Recorded{cls.__name__}")
        case OneOf(hint=hint):
            return hint
        case ListOf(item):
            return types.GenericAlias(list, (_schema(item),))
        case Nullable(value):
            return _schema(value) | None
        case _:
            raise TypeError(f"{shape!r} has no form in an answer")


@cache
def told(cls: type, name: str, but: frozenset[str] = frozenset()) -> type[Told]:
    """Return the schema of a dataclass in an answer, which leaves some fields out."""
    return make(
        name, cls.__doc__, {field.name: _schema(field.shape) for field in fields_of(cls) if field.name not in but}
    )


def make(
    name: str, doc: str | None, fields: Mapping[str, Any], optional: Mapping[str, Any] = MappingProxyType({})
) -> type[Told]:
    """Return a schema with these fields, all of them required but those that may be left out."""
    definitions: dict[str, Any] = {field: (kind, ...) for field, kind in fields.items()}
    # A factory, for a plain default of None would be told as a value that the field may have.
    definitions |= {field: (kind, Field(default_factory=lambda: None)) for field, kind in optional.items()}
    made: type[Told] = create_model(name, __base__=Told, __doc__=doc, **definitions)
    return made


def member(cls: type, name: str) -> Any:
    """Return the shape of a field or property of a class."""
    found = inspect.getattr_static(cls, name)
    return shape(get_type_hints(found.fget)["return"] if isinstance(found, property) else get_type_hints(cls)[name])


EVENT_TYPES: Final = {cls.__name__: cls for classes in CATEGORIES.values() for cls in classes}
"""Every event's class by its name."""

if TYPE_CHECKING:
    Payload = dict[str, Any]
else:
    Payload = Annotated[
        Union[tuple(told(cls, name) for name, cls in sorted(EVENT_TYPES.items()))],  # noqa: UP007 - of as many as there are
        Field(description="The fields of the event, as its `type` has them."),
    ]
"""What the payload of an event looks like, one way for each type."""


class FaultSchema(Schema):
    """One fault of a body or a query."""

    pointer: str = Field(description="Where, as in RFC 6901.")
    detail: str


class ProblemSchema(Schema):
    """An answer that says no (RFC 9457); further members are the figures that the rule looked at."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(
        description="A slug that never changes; GET /api/problems/{slug} explains it.", examples=["insufficient-funds"]
    )
    title: str
    status: int
    detail: str
    errors: list[FaultSchema] = Field(default_factory=list)


PROBLEMS: Final = dict.fromkeys((400, 401, 403, 409, 413, 422, 503), ProblemSchema)
"""What a command may answer besides."""


class RecordedEventSchema(Told):
    """An event that a command recorded."""

    position: int
    stream_id: str
    version: int
    type: EventType
    payload: Payload


class Recorded(Told):
    """What a command recorded, all of it or nothing."""

    position: int = Field(description="Of the last event.")
    events: list[RecordedEventSchema]


class LoggedEvent(RecordedEventSchema):
    """An event as the log has it."""

    schema_version: int
    actor: str
    correlation_id: str
    causation: int | None = Field(description="Position of the event that caused this one.")
    recorded_at: Moment


class EventPage(Told):
    """A page of the log, in order of position."""

    items: list[LoggedEvent]
    next: Next
