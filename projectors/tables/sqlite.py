"""Statements over many rows for SQLite: `executemany` for rows, JSON for keys; a uuid is 32 hexadecimal digits."""

import json
from collections.abc import Callable, Collection, Iterable
from datetime import date
from typing import Any

from django.db.backends.utils import CursorWrapper

from projectors.schema.sums import from_sqlite, to_sqlite
from projectors.tables.layout import ID, Key, Layout, Row


def load(cursor: CursorWrapper, layout: Layout, keys: Collection[Key], generation: int) -> list[tuple[Any, ...]]:
    """Return the loaded columns and the id of the rows that exist."""
    columns = (*layout.loaded, ID)
    hexed = [[_hexed(v) if c in layout.uuids else v for c, v in zip(layout.key, key, strict=True)] for key in keys]
    cursor.execute(_load_statement(layout, columns), [json.dumps(hexed), generation])
    readers = [_reader(layout, column) for column in columns]
    return [
        tuple(value if read is None else read(value) for read, value in zip(readers, row, strict=True))
        for row in cursor.fetchall()
    ]


def insert(cursor: CursorWrapper, layout: Layout, rows: Collection[Row], generation: int) -> None:
    """Insert whole rows."""
    marks = ", ".join(["%s"] * (len(layout.columns) + 1))
    names = ", ".join(f'"{column}"' for column in layout.columns)
    statement = f'INSERT INTO "{layout.name}" (generation, {names}) VALUES ({marks})'  # noqa: S608 - names of our own model
    cursor.executemany(statement, [(generation, *row) for row in _values(layout, rows, layout.columns)])


def update(cursor: CursorWrapper, layout: Layout, rows: Collection[Row]) -> None:
    """Write the changing columns of rows that were loaded."""
    sets = ", ".join(f'"{column}" = %s' for column in layout.changing)
    statement = f'UPDATE "{layout.name}" SET {sets} WHERE {ID} = %s'  # noqa: S608 - names of our own model
    cursor.executemany(statement, _values(layout, rows, (*layout.changing, ID)))


def delete(cursor: CursorWrapper, layout: Layout, column: str, values: Collection[str], generation: int) -> None:
    """Delete the rows whose uuid in a column is one of the values."""
    statement = f'DELETE FROM "{layout.name}" WHERE "{column}" = %s AND generation = %s'  # noqa: S608 - names of our own model
    cursor.executemany(statement, [(_hexed(value), generation) for value in values])


def _load_statement(layout: Layout, columns: Key) -> str:
    names = ", ".join(f't."{column}"' for column in columns)
    where = " AND ".join(
        f"t.\"{column}\" = json_extract(k.value, '$[{place}]')" for place, column in enumerate(layout.key)
    )
    # CROSS JOIN makes SQLite look each key up in the index; otherwise it reads the whole table.
    return (
        f'SELECT {names} FROM json_each(%s) AS k CROSS JOIN "{layout.name}" AS t'  # noqa: S608 - names of our own model
        f" ON t.generation = %s AND {where}"
    )


def _values(layout: Layout, rows: Iterable[Row], columns: Key) -> list[list[Any]]:
    writers = [(column, _writer(layout, column)) for column in columns]
    return [[row[column] if write is None else write(row[column]) for column, write in writers] for row in rows]


def _writer(layout: Layout, column: str) -> Callable[[Any], Any] | None:
    """Return how a column's value becomes what SQLite stores; None if it is stored as it is."""
    if column in layout.uuids:
        return _hexed
    return to_sqlite if column in layout.sums else None


def _reader(layout: Layout, column: str) -> Callable[[Any], Any] | None:
    """Return how what SQLite stores becomes a column's value; None if it is stored as it is."""
    if column in layout.uuids:
        return _hyphened
    if column in layout.dates:
        return _in_iso_form
    return from_sqlite if column in layout.sums else None


def _hexed(uuid: str | None) -> str | None:
    return uuid and uuid.replace("-", "")


def _in_iso_form(value: date | str | None) -> str | None:
    """Return a date as text: Django's connection turns what a date column holds into a date."""
    return value.isoformat() if isinstance(value, date) else value


def _hyphened(uuid: str | None) -> str | None:
    return uuid and f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"
