"""Copies a state with other values. A fold spent most of its time in `dataclasses.replace`, which this replaces.

It calls no `__init__` and no `__post_init__`, so a state whose fields depend on each other must not use it.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 - so that mypy checks the names and types of fields
else:

    def replace(state: Any, /, **changes: Any) -> Any:
        """Return a copy of a frozen dataclass with slots and several fields, with other values in these fields."""
        cls = type(state)
        values_of, setters = _slots(cls)
        copy = object.__new__(cls)
        for set_value, value in zip(setters, values_of(state), strict=True):
            set_value(copy, value)
        for name, value in changes.items():
            object.__setattr__(copy, name, value)
        return copy


@cache
def _slots(cls: type[Any]) -> tuple[Callable[[Any], tuple[Any, ...]], Sequence[Callable[[Any, Any], None]]]:
    """Return a function that reads all fields, at least two, and the setter of each field."""
    names = [field.name for field in fields(cls)]
    return attrgetter(*names), [getattr(cls, name).__set__ for name in names]
