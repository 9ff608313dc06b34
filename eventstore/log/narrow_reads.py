"""Reads of positions and of single fields, which take a part of the time in which whole events are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from django.db import connections

from eventstore.libpq import arrays
from eventstore.libpq.prepared import Prepared, fetch
from eventstore.log.reads import SQL
from eventstore.models import Event
from eventstore.payloads.registry import registry

_TYPES: Final = (arrays.TEXT_ARRAY, arrays.TEXT_ARRAY, arrays.BIGINT)
Fields = tuple[str | None, ...]
"""The type of an event, and the texts of some fields of its payload, None for each that it does not have."""


def positions_of_type(type_name: str, up_to: int, limit: int, using: str = "default") -> list[int]:
    """Return the first positions of a type, at most `limit`, up to a position."""
    events = Event.objects.using(using).filter(type=type_name, position__lte=up_to).order_by("position")
    return list(events.values_list("position", flat=True)[:limit])


def which_are_of_type(type_name: str, positions: Sequence[int], using: str = "default") -> list[int]:
    """Return those of some positions whose events are of a type, in order."""
    events = Event.objects.using(using).filter(type=type_name, position__in=positions).order_by("position")
    return list(events.values_list("position", flat=True))


@dataclass(frozen=True)
class NewestFields:
    """Reads some fields of the newest event of each of many streams; `name` is that of the prepared statement.

    The names are those of the code: they become a part of the SQL.
    """

    name: str
    fields: tuple[str, ...]

    @cached_property
    def _statement(self) -> Prepared:
        texts = ", ".join(f"newest.payload ->> '{field}'" for field in self.fields)
        sql = SQL["newest_fields"].replace("{fields}", texts)
        return Prepared(f"eventstore_fields_{self.name}".encode(), sql, _TYPES)

    def of_streams(
        self, stream_ids: Sequence[str], types: Sequence[str], up_to: int, using: str = "default"
    ) -> dict[str, Fields] | None:
        """Return the fields of each stream's newest event of these types at or below a position: one query.

        A stream without such an event is left out. It returns None if the events themselves must be read: on SQLite,
        and if one of them is not in the newest schema version.
        """
        if connections[using].vendor != "postgresql":
            return None
        rows = fetch(connections[using], self._statement, [stream_ids, types, up_to])
        newest = {name: registry.newest_schema_version(name) for name in types}
        if any(row[2] != newest[row[1]] for row in rows):
            return None
        return {stream_ids[number - 1]: (type_, *texts) for number, type_, _, *texts in rows}
