"""Reads the type hints of a dataclass's fields into shapes.

The codec, the schemas of HTTP and docs/events.md are each made from these shapes by one `match`.
"""

import dataclasses
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

MISSING: Final = dataclasses.MISSING
_PAIR: Final = 2


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value without parts, such as a date."""

    type: type


@dataclass(frozen=True, slots=True)
class Record:
    """An instance of a dataclass."""

    cls: type


@dataclass(frozen=True, slots=True)
class ListOf:
    """A tuple of any length, whose items are all alike."""

    item: "Shape"


@dataclass(frozen=True, slots=True)
class Nullable:
    """A value or None."""

    value: "Shape"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some literal values; `hint` is the Literal itself."""

    values: tuple[Any, ...]
    hint: Any


Shape: TypeAlias = Leaf | Record | ListOf | Nullable | OneOf


@dataclass(frozen=True, slots=True)
class Field:
    """A dataclass's field; `default` is MISSING if it must be given."""

    name: str
    shape: Shape
    default: Any


def shape_of(hint: Any) -> Shape:
    """Return the shape of a type hint; TypeError if its values cannot be stored."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is None and isinstance(hint, type):
        return Record(hint) if dataclasses.is_dataclass(hint) else Leaf(hint)
    if origin is Literal:
        return OneOf(arguments, hint)
    if origin is tuple and len(arguments) == _PAIR and arguments[1] is Ellipsis:
        return ListOf(shape_of(arguments[0]))
    if origin in (Union, types.UnionType) and len(arguments) == _PAIR and types.NoneType in arguments:
        return Nullable(shape_of(next(argument for argument in arguments if argument is not types.NoneType)))
    raise TypeError(f"{hint!r} cannot be stored: use a class, Literal, tuple[X, ...] or X | None")


@cache
def fields_of(cls: type) -> tuple[Field, ...]:
    """Return the fields of a dataclass, in order."""
    hints = get_type_hints(cls)
    return tuple(Field(field.name, shape_of(hints[field.name]), field.default) for field in dataclasses.fields(cls))


def records_in(shape: Shape) -> Iterator[type]:
    """Yield the dataclasses that a shape names, without those in their fields."""
    match shape:
        case Record(cls):
            yield cls
        case ListOf(inner) | Nullable(inner):
            yield from records_in(inner)
        case Leaf() | OneOf():
            pass
