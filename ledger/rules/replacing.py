"""Copies a state with other values. A fold spent most of its time in `dataclasses.replace`, which this replaces.

It calls no `__init__` and no `__post_init__`, so a state whose fields depend on each other must not use it.
"""

from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 - so that mypy checks the names and types of fields
else:

    def replace(state: Any, /, **changes: Any) -> Any:
        """Return a copy of a frozen dataclass with slots, with other values in these fields."""
        copy = object.__new__(type(state))
        for name in _names(type(state)):
            object.__setattr__(copy, name, getattr(state, name))
        for name, value in changes.items():
            object.__setattr__(copy, name, value)
        return copy


@cache
def _names(cls: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))
