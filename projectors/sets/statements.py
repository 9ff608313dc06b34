"""Runs the statements by which a projector does to a range of the log what it does to single events."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import connections

from projectors.errors import RangeDiffers

LOOK_UPS: Final = "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
"""Rows are looked up by their key, although the planner does not know how large a new generation is."""
JOINS: Final = "SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true)"


def change_rows(name: str, statement: str, values: Mapping[str, Any], using: str) -> None:
    """Run a statement that returns how many rows it must change, and how many it has changed.

    Raises RangeDiffers if it has not changed them all.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(LOOK_UPS)
        cursor.execute(statement, values)
        wanted, changed = cursor.fetchone()
    if wanted != changed:
        raise RangeDiffers(name, wanted, changed)


def rows_of(statement: str, values: Mapping[str, Any], using: str) -> Sequence[tuple[Any, ...]]:
    """Run a statement that joins large sets, and return its rows."""
    with connections[using].cursor() as cursor:
        cursor.execute(JOINS)
        cursor.execute(statement, values)
        found: Sequence[tuple[Any, ...]] = cursor.fetchall()
    return found
