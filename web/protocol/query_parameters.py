"""Parameters of queries: each is validated, given at most once, and refused if the query does not have it."""

import re
from datetime import date
from functools import cache
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
from web.protocol.request_schemas import scalar_type

MAX_INT: Final = 2**63 - 1
MAX_LIMIT: Final = 1000
MAX_TEXT: Final = 200
POSITION_HEADER: Final = {"type": "string", "pattern": "^[0-9]{1,18}$"}
"""The schema of a position in a header. A header is a string, so a pattern gives the greatest position."""
_DATE: Final = re.compile(DATE_PATTERN)
_UUID: Final = re.compile(UUID_PATTERN, re.IGNORECASE | re.ASCII)


def whole_number(text: str, least: int = 0, most: int = MAX_INT) -> int:
    """Return the number that a string of digits stands for; raises ValueError for other strings and out of bounds."""
    if text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_INT)) and least <= int(text) <= most:
        return int(text)
    message = f"must be a whole number from {least} to {most}"
    raise ValueError(message)


def header(request: HttpRequest, name: str) -> str | None:
    """Return a header of a request, None if it has none; `request.headers` parses all of them first."""
    value: str | None = request.META.get(_meta_key(name))
    return value


@cache
def _meta_key(name: str) -> str:
    return f"HTTP_{name.upper().replace('-', '_')}"


def position_in_header(request: HttpRequest, name: str, default: int = 0) -> int:
    """Return the position in a header; raises Problem if it is not one."""
    given = header(request, name)
    try:
        return default if given is None else whole_number(given, most=10**18 - 1)
    except ValueError as error:
        raise invalid(Fault("", f"the header {name} {error}")) from error


def _position(value: str) -> int:
    return whole_number(value)


def _limit(value: str) -> int:
    return whole_number(value, 1, MAX_LIMIT)


def _as_of(value: str) -> int | date:
    try:
        return date.fromisoformat(value) if _DATE.fullmatch(value) else whole_number(value)
    except ValueError as error:
        message = "must be a position or a date such as 2026-01-31"
        raise ValueError(message) from error


def _text(value: str) -> str:
    if "\0" in value:
        message = "must not have a null byte"
        raise ValueError(message)
    if not 1 <= len(value) <= MAX_TEXT:
        message = f"must have 1 to {MAX_TEXT} characters"
        raise ValueError(message)
    return value


def _stream_id(value: str) -> str:
    if not is_stream_id(value):
        message = "must be a stream id such as company-7c9e6679-7425-40de-944b-e07fc1f90ae7"
        raise ValueError(message)
    return value


def _path_uuid(value: str) -> UUID:
    if _UUID.fullmatch(value) is None:
        raise not_found(f"{value[:MAX_TEXT]!r} is not a UUID.")
    return UUID(value)


def _path_position(value: int) -> int:
    if not 1 <= value <= MAX_INT:
        raise not_found(f"There is no event at position {str(value)[:MAX_TEXT]}.")
    return value


def _schema(**members: object) -> WithJsonSchema:
    return WithJsonSchema(dict(members))


Position = Annotated[int, PlainValidator(_position), _schema(type="integer", minimum=0, maximum=MAX_INT)]
"""A position in the log, or 0, which is before its first event."""
PathUuid = Annotated[UUID, PlainValidator(_path_uuid), _schema(type="string", format="uuid")]
"""A uuid in a path; one that is malformed is not found."""
PathPosition = Annotated[
    int, PlainValidator(_path_position), _schema(type="integer", minimum=1, maximum=MAX_INT, examples=[1])
]
"""A position in a path; one that is out of bounds is not found."""
Limit = Annotated[int, PlainValidator(_limit), _schema(type="integer", minimum=1, maximum=MAX_LIMIT)]
"""The number of items on a page."""
Text = Annotated[
    str,
    AfterValidator(_text),
    _schema(type="string", minLength=1, maxLength=MAX_TEXT, pattern=r"^[^\u0000]+$"),
]
"""A text without a null byte."""
AsOf = Annotated[
    int | date,
    PlainValidator(_as_of),
    _schema(
        anyOf=[
            {"type": "integer", "minimum": 0, "maximum": MAX_INT},
            {"type": "string", "format": "date"},
        ],
        examples=["2026-01-31"],
    ),
    Field(description="As of this position, or as of the end of this business date."),
]
"""A position or a business date."""
Uuid = scalar_type(UUID)
"""A uuid, in either case."""
BusinessDate = scalar_type(date)
"""A date."""
StreamId = Annotated[str, AfterValidator(_stream_id), _schema(type="string", pattern=rf"^{STREAM_ID_PATTERN}$")]
"""The id of a stream."""
if TYPE_CHECKING:
    EventType = str
    Category = str
else:
    EventType = Literal[tuple(sorted({cls.__name__ for classes in CATEGORIES.values() for cls in classes}))]
    Category = Literal[tuple(CATEGORIES)]
"""The name of an event's type, and the category of a stream."""


def _without_null(schema: dict[str, Any]) -> None:
    """Remove null from a schema: a parameter is left out or has a value."""
    for details in schema["properties"].values():
        types = [one for one in details.get("anyOf", ()) if one != {"type": "null"}]
        if len(types) == 1:
            del details["anyOf"]
            details.update(types[0] | details)
        if details.get("default", ...) is None:
            del details["default"]


class QueryParameters(Schema):
    """The parameters of a query; each may be left out."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, json_schema_extra=_without_null)


class AsOfParameters(QueryParameters):
    """The parameter of a query of the present or the past."""

    as_of: AsOf | None = None


def check_period(first: date | None, last: date | None) -> None:
    """Refuse the parameters `from` and `to` of a period without a date; raises Problem."""
    if first is not None and last is not None and first > last:
        raise invalid(Fault("/from", f"must not be after to, which is {last}"))


def names_of(operation: Operation) -> frozenset[str]:
    """Return the names of the query parameters that an operation has."""
    found: set[str] = set()
    for model in operation.models:
        if model.__ninja_param_source__ == "query":
            found.update(getattr(model, "__ninja_flatten_map__", model.model_fields))
    return frozenset(found)


def check_names(request: HttpRequest, known: frozenset[str]) -> None:
    """Refuse a parameter that is not known, and one that is given twice; raises Problem."""
    faults = []
    for name, given in request.GET.lists():
        pointer = json_pointer(name.replace("\0", ""))
        if name not in known:
            allowed = f"; the parameters are {', '.join(sorted(known))}" if known else ""
            faults.append(Fault(pointer, f"unknown parameter{allowed}"))
        elif len(given) > 1:
            faults.append(Fault(pointer, "must not be given twice"))
    if faults:
        raise invalid(*faults)
