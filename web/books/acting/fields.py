"""The fields of a form as its template draws them, made from the types of the command's dataclass."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from eventstore.payloads.type_hints import Leaf, ListOf, Nullable, Record, Shape, fields_of
from ledger.names import COMMANDS
from web.api.commands import UUID_FIELDS
from web.books.acting import candidates
from web.books.acting.candidates import Option
from web.books.acting.catalog import CHOICES, FOLLOWS, HINTS, LABELS, PICKED, REVERSIBLE, SEARCHED_BY
from web.books.acting.submitted import FIND, MOST_ROWS, Typed, rows_of, split

_KINDS: Final[Mapping[str, str]] = {"Decimal": "amount", "date": "date", "int": "number", "UUID": "picker"}
"""How a value is typed, by the name of its type; all others are texts."""

_PLACES: Final = {"sources": 0, "destinations": 0, "position": 1, "currency": 3, "reference": 4, "reason": 5}
"""What is asked for first: what is acted on, then the event that is reversed, then figures, then words."""
_OR_UUID: Final = " or uuid"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a field is refused, what to do, and the page that helps."""

    sentence: str
    remedy: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: what it is called, how it is typed, what was typed, and what is wrong with it."""

    name: str
    label: str
    kind: str
    value: str
    is_required: bool
    hint: str = ""
    find: str = ""
    find_by: str = ""
    options: tuple[Option, ...] = ()
    fault: Fault | None = None
    is_list: bool = False
    rows: tuple["Row", ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list: the beginning of its fields' names, and the fields."""

    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """What a form holds: what was typed, what is wrong, what can be chosen, and how many empty rows it has."""

    values: Typed
    faults: Mapping[str, Fault]
    found: Mapping[str, tuple[Option, ...]]
    empty_rows: int = 0


def fields(name: str, filled: Filled) -> list[Field]:
    """Return the fields of a command's form, in the order of the command."""
    asked = [field for field in fields_of(COMMANDS[name]) if field.name != UUID_FIELDS.get(name)]
    required = {field.name: not isinstance(field.shape, Nullable) for field in asked}
    asked.sort(key=lambda field: _PLACES.get(field.name, 0 if field.name in PICKED else 2))
    return [_field(name, field.name, field.shape, filled, is_required=required[field.name]) for field in asked]


def _field(name: str, full: str, shape: Shape, filled: Filled, *, is_required: bool) -> Field:
    own = full.rpartition("-")[2]
    match shape:
        case Nullable(inner):
            return _field(name, full, inner, filled, is_required=is_required)
        case ListOf(Record(cls)):
            return _list(name, full, cls, filled)
        case Leaf(kind):
            field = Field(
                name=full,
                label=LABELS[own],
                kind="choice" if own in CHOICES else _KINDS.get(kind.__name__, "text"),
                value=filled.values.get(full, ""),
                is_required=is_required,
                hint=HINTS.get(own, ""),
                fault=filled.faults.get(full),
            )
            return _with_options(name, own, field, filled)
        case _:
            raise TypeError(f"{shape!r} cannot be typed into a form")


def _with_options(name: str, own: str, field: Field, filled: Filled) -> Field:
    if own in CHOICES:
        return replace(field, options=tuple(Option(value, text) for value, text in CHOICES[own].items()))
    if own == "position":
        return replace(field, kind="event", options=_events(name, field, filled.values))
    if own not in PICKED:
        return field
    options = filled.found.get(field.name)
    if options is None:
        known = _chosen(own, field)
        options = () if known is None else (known,)
    return replace(field, find=filled.values.get(field.name + FIND, ""), find_by=_searched_by(own), options=options)


def _searched_by(own: str) -> str:
    """Return what is typed to find what a field names; a field of several categories is found by any of their names."""
    ways = [SEARCHED_BY[category] for category in PICKED[own]]
    if len(ways) == 1:
        return ways[0]
    return f"{', '.join(way.removesuffix(_OR_UUID) for way in ways)}{_OR_UUID}"


def _chosen(own: str, field: Field) -> Option | None:
    if len(PICKED[own]) == 1:
        return candidates.chosen(PICKED[own][0], field.value)
    category, uuid = split(field.value)
    known = candidates.chosen(category, uuid) if category in PICKED[own] else None
    return None if known is None else replace(known, value=field.value)


def _events(name: str, field: Field, values: Typed) -> tuple[Option, ...]:
    """Return the events that can be reversed, of what is picked; also the one typed, so that a rule can refuse it."""
    options: list[Option] = []
    for own, categories in PICKED.items():
        uuid = _uuid(values.get(own, ""))
        if uuid is not None and name in REVERSIBLE:
            options += candidates.reversible(name, categories[0], uuid)
    if field.value and field.value not in {option.value for option in options}:
        options.append(Option(field.value, f"Event {field.value}"))
    return tuple(options)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _list(name: str, full: str, cls: type, filled: Filled) -> Field:
    rows = min(max(rows_of(full, filled.values), 1) + filled.empty_rows, MOST_ROWS)
    made = tuple(_row(name, f"{full}-{index}", cls, filled) for index in range(rows))
    return Field(
        name=full,
        label=LABELS[full],
        kind="list",
        value="",
        is_required=True,
        hint=HINTS.get(full, ""),
        fault=filled.faults.get(full),
        is_list=True,
        rows=made,
    )


def _row(name: str, full: str, cls: type, filled: Filled) -> Row:
    asked = [part for part in fields_of(cls) if part.name not in FOLLOWS]
    required = {part.name: not isinstance(part.shape, Nullable) for part in asked}
    made = (_field(name, f"{full}-{part.name}", part.shape, filled, is_required=required[part.name]) for part in asked)
    return Row(full, tuple(made))
