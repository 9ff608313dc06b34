"""A range of the log that is ahead of a consumer: what is known of it without reading its payloads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.db import connections

from eventstore.consumers.checkpoints import LogPosition
from eventstore.named_sql import named_sql
from eventstore.payloads.registry import registry

_SQL: Final = named_sql(Path(__file__).parent / "ranges.sql")
EVENTS_OF_RANGE: Final = _SQL["events"]
"""A part of the statements of projectors: the events above `after` and at or below `up_to`."""


@dataclass(frozen=True, slots=True)
class LogRange:
    """The events above `after` up to `end`, which follow each other without a gap; `types` says how many of each."""

    after: LogPosition
    end: LogPosition
    types: Mapping[str, int]

    @property
    def number(self) -> int:
        """Return how many events it has."""
        return self.end.position - self.after.position


def read_range(after: LogPosition, most: int, using: str) -> LogRange | None:
    """Return the range that follows a position, at most so many events; None if `project` must look at them.

    That is so if the event at the position is another one than the consumer handled, if a position is missing, and if a
    type or a schema version is not the newest one of the code. Reading the events one by one then says which.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(_SQL["types"], [after.position, most])
        found = cursor.fetchall()
        cursor.execute(_SQL["moments"], [[after.position, after.position + sum(row[2] for row in found)]])
        moments = dict(cursor.fetchall())
    number = sum(row[2] for row in found)
    end = after.position + number
    if not found or min(row[3] for row in found) != after.position + 1 or max(row[4] for row in found) != end:
        return None
    if after.position and (after.position not in moments or after.recorded_at not in {None, moments[after.position]}):
        return None
    if any(version != registry.newest_schema_version(name) for name, version, *_ in found):
        return None
    return LogRange(after, LogPosition(end, moments[end]), {name: count for name, _, count, *_ in found})
