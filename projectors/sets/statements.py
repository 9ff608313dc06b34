"""Runs the statements by which a projector does to a range of the log what it does to single events."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import connections

from eventstore.records import RecordedEvent
from eventstore.store import last_of_type, read_all
from projectors.errors import RangeDiffers
from projectors.events.dates import CYCLED
from projectors.events.payloads import payload_of

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


def dates_of_range(after: int, up_to: int, using: str) -> dict[str, list[Any]]:
    """Return the positions of the cycles of a range, and the dates that are open before it and from each of them."""
    cycles = list(read_all(after=after, up_to=up_to, types=[CYCLED], using=using))
    before = last_of_type(CYCLED, up_to=after, using=using)
    return {"cycles": [cycle.position for cycle in cycles], "dates": [_date_of(before), *map(_date_of, cycles)]}


def _date_of(cycle: RecordedEvent | None) -> str | None:
    return None if cycle is None else str(payload_of(cycle)["new_date"])
