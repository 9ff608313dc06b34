"""A read model's table: loads, inserts, updates and deletes many rows in one statement."""

from collections.abc import Collection
from types import ModuleType
from typing import Final

from django.db import connections, models

from projectors.tables import postgresql, sqlite
from projectors.tables.layout import ID, Key, Layout, Row

_DIALECTS: Final[dict[str, ModuleType]] = {"postgresql": postgresql, "sqlite": sqlite}


class Table:
    """A projector's table: `key` names a row within a generation; `changing` may change, `reading` is only read."""

    def __init__(self, model: type[models.Model], *, key: Key, changing: Key = (), reading: Key = ()) -> None:
        self.layout = Layout(model, key=key, changing=changing, reading=reading)

    @property
    def name(self) -> str:
        """The table's name in the database."""
        return self.layout.name

    def load(self, keys: Collection[Key], generation: int, using: str) -> dict[Key, Row]:
        """Return the rows that exist, by key, with their ids and the columns that may change or are read."""
        if not keys:
            return {}
        with connections[using].cursor() as cursor:
            rows = _dialect(using).load(cursor, self.layout, keys, generation)
        columns = (*self.layout.loaded, ID)
        width = len(self.layout.key)
        return {row[:width]: dict(zip(columns, row, strict=True)) for row in rows}

    def insert(self, rows: Collection[Row], generation: int, using: str) -> None:
        """Insert rows that have every column; raises IntegrityError if one exists already."""
        if rows:
            with connections[using].cursor() as cursor:
                _dialect(using).insert(cursor, self.layout, rows, generation)

    def update(self, rows: Collection[Row], using: str) -> None:
        """Write the columns that may change of rows that were loaded."""
        if rows:
            with connections[using].cursor() as cursor:
                _dialect(using).update(cursor, self.layout, rows)

    def delete(self, column: str, values: Collection[str], generation: int, using: str) -> None:
        """Delete the rows whose uuid in a column is one of the values."""
        if values:
            with connections[using].cursor() as cursor:
                _dialect(using).delete(cursor, self.layout, column, values, generation)


def _dialect(using: str) -> ModuleType:
    return _DIALECTS[connections[using].vendor]
