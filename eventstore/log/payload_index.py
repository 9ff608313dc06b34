"""An index of the streams in which a text stands at a place of a payload; an app declares it and creates it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from eventstore.models import Event

_TABLE: Final = Event._meta.db_table  # noqa: SLF001 - Django's public name for it
Place = tuple[str | int, ...]
"""The names of members and the numbers of items that lead to a value of a payload."""


@dataclass(frozen=True, slots=True)
class PayloadIndex:
    """Finds the streams with an event of some types whose payload has a text at `place`, and `value` at `where`.

    The names are those of the code: they become a part of the SQL.
    """

    name: str
    types: tuple[str, ...]
    place: Place
    where: Place
    value: str

    def create(self, connection: BaseDatabaseWrapper) -> None:
        """Create the index in a migration."""
        text = _text_at(self.place, connection)
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE INDEX {self.name} ON {_TABLE} (({text}), position) WHERE {self._holds(connection)}")

    def drop(self, connection: BaseDatabaseWrapper) -> None:
        """Drop the index when a migration is reversed."""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX {self.name}")

    def streams(self, text: str, up_to: int, using: str = "default") -> Sequence[str]:
        """Return the streams that have such an event with this text, at or below a position: one query."""
        connection = connections[using]
        sql = (
            f"SELECT DISTINCT stream_id FROM {_TABLE} WHERE {self._holds(connection)}"  # noqa: S608 - names of the code
            f" AND {_text_at(self.place, connection)} = %s AND position <= %s"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [text, up_to])
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return [stream_id for (stream_id,) in found]

    def _holds(self, connection: BaseDatabaseWrapper) -> str:
        types = ", ".join(f"'{name}'" for name in self.types)
        return f"type IN ({types}) AND {_text_at(self.where, connection)} = '{self.value}'"


def _text_at(place: Place, connection: BaseDatabaseWrapper) -> str:
    if connection.vendor == "postgresql":
        return f"payload #>> '{{{','.join(map(str, place))}}}'"
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return f"CAST(json_extract(payload, '${path}') AS TEXT)"
