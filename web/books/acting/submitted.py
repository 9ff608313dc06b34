"""What was typed into a form, as flat names such as `destinations-0-amount`, and the command that it makes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from eventstore.payloads.type_hints import Leaf, ListOf, Nullable, Record, Shape, fields_of
from ledger.names import COMMANDS
from ledger.rules.commands import Command
from web.api.commands import UUID_FIELDS, body_schema
from web.books.acting.catalog import PICKED
from web.protocol.problems import reason_of
from web.protocol.request_schemas import field_values

MOST_ROWS: Final = 50
"""Rows of a list that one form takes; longer lists are sent over the API."""
LONGEST: Final = 2_000
"""Characters of one field that are looked at; a rule refuses a text that is longer than 200."""
FIND: Final = "-find"
"""The end of the name of the field in which something is searched for."""
_WHOLE: Final = re.compile(r"[0-9]{1,18}")

Typed = dict[str, str]


class NotACommand(Exception):
    """What was typed makes no command; `faults` says why, by the name of the field."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(faults)
        self.faults = faults


def typed(name: str, form: Mapping[str, str]) -> Typed:
    """Return what a form, or an address, gives for the fields of a command; empty rows of a list are left out."""
    found = {field: form[field].strip()[:LONGEST] for field in form if _is_field(name, field)}
    return _without_empty_rows({field: value for field, value in found.items() if value})


def leaves(name: str) -> Iterator[tuple[str, str, Shape]]:
    """Yield the name of a list, or "", and the name and the shape of each field without parts."""
    for field in fields_of(COMMANDS[name]):
        if UUID_FIELDS.get(name) == field.name:
            continue  # the server names what the command creates
        match field.shape:
            case ListOf(Record(cls)):
                yield from ((field.name, part.name, part.shape) for part in fields_of(cls))
            case shape:
                yield "", field.name, shape


def command_of(name: str, values: Typed, created: UUID) -> Command:
    """Return the command, which creates something with this uuid if it creates anything; raises NotACommand."""
    schema = body_schema(name)
    body = _nested(name, values)
    if name in UUID_FIELDS:
        body[UUID_FIELDS[name]] = str(created)
    try:
        read = schema.model_validate(body)
    except ValidationError as error:
        faults = {"-".join(map(str, one["loc"])): _fault(one) for one in error.errors()}
        raise NotACommand(faults) from error
    command: Command = COMMANDS[name](**field_values(read, COMMANDS[name]))
    return command


def _fault(error: Mapping[str, Any]) -> str:
    return "is required" if error["type"] == "missing" else reason_of(error)


def _is_field(name: str, field: str) -> bool:
    text = field.removesuffix(FIND)
    row = _row_of(text)
    known = {(of_list, leaf) for of_list, leaf, _ in leaves(name) if text == field or leaf in PICKED}
    if row is None:
        return ("", text) in known
    of_list, index, leaf = row
    return (of_list, leaf) in known and index < MOST_ROWS


def _row_of(field: str) -> tuple[str, int, str] | None:
    """Return the list, the row and the name of a field in a list; None if it is in none."""
    of_list, first, rest = field.partition("-")
    index, second, leaf = rest.partition("-")
    return (of_list, int(index), leaf) if first and second and _WHOLE.fullmatch(index) else None


def _without_empty_rows(values: Typed) -> Typed:
    rows: dict[str, list[int]] = {}
    for field in values:
        row = _row_of(field)
        if row is not None:
            rows.setdefault(row[0], []).append(row[1])
    places = {of_list: sorted(set(indexes)) for of_list, indexes in rows.items()}
    moved = {}
    for field, value in values.items():
        row = _row_of(field)
        moved[field if row is None else f"{row[0]}-{places[row[0]].index(row[1])}-{row[2]}"] = value
    return moved


def rows_of(of_list: str, values: Mapping[str, str]) -> int:
    """Return how many rows a list has."""
    rows = [row[1] for field in values if (row := _row_of(field)) is not None and row[0] == of_list]
    return max(rows, default=-1) + 1


def _nested(name: str, values: Typed) -> dict[str, Any]:
    """Return the body that the API would be sent."""
    body: dict[str, Any] = {}
    for of_list, leaf, shape in leaves(name):
        if not of_list:
            if leaf in values:
                body[leaf] = _value(shape, values[leaf])
            continue
        rows = body.setdefault(of_list, [{} for _ in range(rows_of(of_list, values))])
        for index, row in enumerate(rows):
            if f"{of_list}-{index}-{leaf}" in values:
                row[leaf] = _value(shape, values[f"{of_list}-{index}-{leaf}"])
    for source in body.get("sources", ()):
        category, uuid = split(source.get("from_uuid", ""))
        if category:
            source |= {"from_type": category, "from_uuid": uuid}
    return body


def split(stream: str) -> tuple[str, str]:
    """Return the category and the uuid of the stream of a source; no category if only a uuid is given."""
    try:
        return "", str(UUID(stream))
    except ValueError:
        category, _, uuid = stream.partition("-")
        return category, uuid


def _value(shape: Shape, text: str) -> object:
    match shape:
        case Nullable(inner):
            return _value(inner, text)
        case Leaf(kind) if kind is int and _WHOLE.fullmatch(text):
            return int(text)
        case _:
            return text
