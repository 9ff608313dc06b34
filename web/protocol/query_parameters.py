"""What a query may be asked: each parameter as it must be, once, and no other."""

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Schema
from ninja.operation import Operation
from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from eventstore.patterns import DATE_PATTERN, UUID_PATTERN
from eventstore.records import STREAM_ID_PATTERN, is_stream_id
from ledger.rules.events import CATEGORIES
from web.protocol.json_pointers import json_pointer
from web.protocol.problems import Fault, invalid, not_found
from web.protocol.request_schemas import leaf

GREATEST: Final = 2**63 - 1
MOST: Final = 1000
IN_HEADERS: Final = {"type": "string", "pattern": "^[0-9]{1,18}$"}
"""How a position in a header is described: headers are texts, of which a pattern tells the greatest."""
LONGEST: Final = 200

_DATE: Final = re.compile(DATE_PATTERN)
_UUID: Final = re.compile(UUID_PATTERN, re.IGNORECASE | re.ASCII)


def whole(text: str, least: int = 0, most: int = GREATEST) -> int:
    """Return the number that a text of plain digits says; ValueError where it is another or out of bounds."""
    if text.isascii() and text.isdecimal() and len(text) <= len(str(GREATEST)) and least <= int(text) <= most:
        return int(text)
    message = f"it is not a whole number from {least} to {most}"
    raise ValueError(message)


def in_header(request: HttpRequest, name: str, default: int = 0) -> int:
    """Return the position that a header gives; raises Problem."""
    given = request.headers.get(name)
    try:
        return default if given is None else whole(given, most=10**18 - 1)
    except ValueError as error:
        raise invalid(Fault("", f"the header {name}: {error}")) from error


def _position(value: str) -> int:
    return whole(value)


def _limit(value: str) -> int:
    return whole(value, 1, MOST)


def _as_of(value: str) -> int | date:
    try:
        return whole(value)
    except ValueError:
        pass
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    message = "it is neither a position nor a date such as 2026-01-31"
    raise ValueError(message)


def _text(value: str) -> str:
    if "\0" in value:
        message = "a text has no null byte"
        raise ValueError(message)
    if not 1 <= len(value) <= LONGEST:
        message = f"it is not of 1 to {LONGEST} characters"
        raise ValueError(message)
    return value


def _stream_id(value: str) -> str:
    if not is_stream_id(value):
        message = "it is not a stream id, such as company-7c9e6679-7425-40de-944b-e07fc1f90ae7"
        raise ValueError(message)
    return value


def _named_uuid(value: str) -> UUID:
    if _UUID.fullmatch(value) is None:
        raise not_found(f"{value[:LONGEST]!r} is no uuid.")
    return UUID(value)


def _named_position(value: int) -> int:
    if not 1 <= value <= GREATEST:
        raise not_found(f"There is no event at position {str(value)[:LONGEST]}.")
    return value


def _schema(**more: object) -> WithJsonSchema:
    return WithJsonSchema(dict(more))


Position = Annotated[int, PlainValidator(_position), _schema(type="integer", minimum=0, maximum=GREATEST)]
"""A position in the log, or 0 before its first event."""
NamedUuid = Annotated[UUID, PlainValidator(_named_uuid), _schema(type="string", format="uuid")]
"""A uuid in a path, where nothing is found under what is none."""
NamedPosition = Annotated[
    int, PlainValidator(_named_position), _schema(type="integer", minimum=1, maximum=GREATEST, examples=[1])
]
"""A position in a path, where nothing is found under what is none."""
Limit = Annotated[int, PlainValidator(_limit), _schema(type="integer", minimum=1, maximum=MOST)]
"""How many there are on a page."""
Text = Annotated[
    str,
    AfterValidator(_text),
    _schema(type="string", minLength=1, maxLength=LONGEST, pattern=r"^[^\u0000]+$"),
]
"""A text without a null byte."""
AsOf = Annotated[
    int | date,
    PlainValidator(_as_of),
    _schema(
        anyOf=[
            {"type": "integer", "minimum": 0, "maximum": GREATEST},
            {"type": "string", "format": "date"},
        ],
        examples=["2026-01-31"],
    ),
    Field(description="As of this position, or as of the end of this business date."),
]
"""A position or a business date."""
Uuid = leaf(UUID)
"""A uuid, in either case."""
BusinessDate = leaf(date)
"""A date."""
StreamId = Annotated[str, AfterValidator(_stream_id), _schema(type="string", pattern=rf"^{STREAM_ID_PATTERN}$")]
"""The id of a stream."""
if TYPE_CHECKING:
    EventType = str
    Category = str
else:
    EventType = Literal[tuple(sorted({cls.__name__ for classes in CATEGORIES.values() for cls in classes}))]
    Category = Literal[tuple(CATEGORIES)]
"""The name of an event's type, and what a stream's id begins with."""


def _without_null(schema: dict[str, Any]) -> None:
    """A parameter is left out or has a value: none can be null."""
    for details in schema["properties"].values():
        kinds = [one for one in details.get("anyOf", ()) if one != {"type": "null"}]
        if len(kinds) == 1:
            del details["anyOf"]
            details.update(kinds[0] | details)
        if details.get("default", ...) is None:
            del details["default"]


class Asked(Schema):
    """The parameters of a query; each may be left out."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, json_schema_extra=_without_null)


class AskedAsOf(Asked):
    """As of when."""

    as_of: AsOf | None = None


def names(operation: Operation) -> frozenset[str]:
    """Return the query parameters that an operation takes."""
    found: set[str] = set()
    for model in operation.models:
        if model.__ninja_param_source__ == "query":
            found.update(getattr(model, "__ninja_flatten_map__", model.model_fields))
    return frozenset(found)


def must_be(request: HttpRequest, known: frozenset[str]) -> None:
    """Refuse a query with a parameter that is not known, or that is there twice; raises Problem."""
    faults = []
    for name, given in request.GET.lists():
        pointer = json_pointer(name.replace("\0", ""))
        if name not in known:
            offered = f"; there are {', '.join(sorted(known))}" if known else ""
            faults.append(Fault(pointer, f"there is no such parameter{offered}"))
        elif len(given) > 1:
            faults.append(Fault(pointer, "it is there twice"))
    if faults:
        raise invalid(*faults)
