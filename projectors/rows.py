"""Reads and writes many rows of a read model in one statement, on PostgreSQL and on SQLite.

Rows are dicts of plain values: numbers, and text as events have it (uuids with hyphens, dates in ISO form, JSON).
"""

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from django.db import connections, models
from django.db.backends.utils import CursorWrapper

from projectors.errors import MissingRow

Row = dict[str, Any]
Key = tuple[str, ...]

# Arrays are cast to types without a length: a cast to varchar(n) would cut a text that is too long.
_ARRAY_TYPES: Final = {
    "IntegerField": "integer",
    "SmallIntegerField": "smallint",
    "BigIntegerField": "bigint",
    "BooleanField": "boolean",
    "DateField": "date",
    "UUIDField": "uuid",
    "JSONField": "jsonb",
}
# For the rest of the transaction: PostgreSQL thinks that reading a whole table is cheaper than a thousand looks into
# the index of its key, and is wrong by a factor of ten where the table is in memory.
_LOOK_UP: Final = "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
_ID: Final = "id"
_COPY_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_QUOTED: Final = ("text", "jsonb")
_AS_TEXT: Final = ("date", "uuid", "jsonb")


class Table:
    """A projector's table: `key` is what names a row within a generation, `changing` what an event may change."""

    def __init__(self, model: type[models.Model], *, key: Key, changing: Key = ()) -> None:
        self.name = model._meta.db_table  # noqa: SLF001 - Django's own name
        self.key = key
        self.changing = changing
        fields = [f for f in model._meta.concrete_fields if f.name not in {"id", "generation"}]  # noqa: SLF001
        self._types = {f.name: _ARRAY_TYPES.get(f.get_internal_type(), "text") for f in fields}
        self._columns = tuple(self._types)
        self._uuids = frozenset(column for column, type_ in self._types.items() if type_ == "uuid")

    def load(self, keys: Collection[Key], generation: int, using: str) -> dict[Key, Row]:
        """Return those of the rows that exist, by key, with their ids and the columns that may change."""
        if not keys:
            return {}
        columns = (*self.key, *self.changing, _ID)
        with connections[using].cursor() as cursor:
            if connections[using].vendor == "postgresql":
                cursor.execute(_LOOK_UP)
                cursor.execute(self._load_postgres(), [*self._arrays(self.key, zip(*keys, strict=True)), generation])
                rows = cursor.fetchall()
            else:
                rows = self._load_sqlite(cursor, keys, generation)
        width = len(self.key)
        return {row[:width]: dict(zip(columns, row, strict=True)) for row in rows}

    def insert(self, rows: Collection[Row], generation: int, using: str) -> None:
        """Insert rows that have every column; IntegrityError where one is there already."""
        if not rows:
            return
        with connections[using].cursor() as cursor:
            if connections[using].vendor == "postgresql":
                names = ", ".join(f'"{column}"' for column in self._columns)
                copying = cursor.copy(f'COPY "{self.name}" (generation, {names}) FROM STDIN')
                with connections[using].wrap_database_errors, copying as copy:
                    copy.write("".join(self._copied(rows, generation)))
            else:
                marks = ", ".join(["%s"] * (len(self._columns) + 1))
                names = ", ".join(f'"{column}"' for column in self._columns)
                statement = f'INSERT INTO "{self.name}" (generation, {names}) VALUES ({marks})'  # noqa: S608
                values = self._values_sqlite(rows, self._columns)
                cursor.executemany(statement, [(generation, *row) for row in values])

    def update(self, rows: Collection[Row], using: str) -> None:
        """Write the columns that may change, and the position, of rows that were loaded."""
        if not rows:
            return
        with connections[using].cursor() as cursor:
            if connections[using].vendor == "postgresql":
                columns = (*self.changing, _ID)
                values = self._arrays(columns, ([row[c] for row in rows] for c in columns))
                cursor.execute(self._update_postgres(), [*values])
            else:
                sets = ", ".join(f'"{column}" = %s' for column in self.changing)
                statement = f'UPDATE "{self.name}" SET {sets} WHERE {_ID} = %s'  # noqa: S608 - names of our own model
                cursor.executemany(statement, self._values_sqlite(rows, (*self.changing, _ID)))

    def delete(self, column: str, values: Collection[str], generation: int, using: str) -> None:
        """Delete the rows whose uuid in that column is one of the values."""
        if not values:
            return
        with connections[using].cursor() as cursor:
            statement = f'DELETE FROM "{self.name}" WHERE "{column}" = %s AND generation = %s'  # noqa: S608 - our own
            if connections[using].vendor == "postgresql":
                cursor.execute(statement.replace("= %s AND", "= ANY(%s::uuid[]) AND"), [[*values], generation])
            else:
                cursor.executemany(statement, [(_hexed(value), generation) for value in values])

    def _arrays(self, columns: Key, values: Iterable[Collection[Any]]) -> Iterator[str]:
        for column, of_column in zip(columns, values, strict=True):
            yield _array(of_column, quoted=self._types.get(column) in _QUOTED)

    def _copied(self, rows: Iterable[Row], generation: int) -> Iterator[str]:
        for row in rows:
            yield f"{generation}\t{_copy_line([row[column] for column in self._columns])}\n"

    def _load_postgres(self) -> str:
        columns = ", ".join(self._read(column) for column in (*self.key, *self.changing))
        arrays = ", ".join(f"%s::{self._types[column]}[]" for column in self.key)
        names = ", ".join(f'"{column}"' for column in self.key)
        where = " AND ".join(f't."{column}" = k."{column}"' for column in self.key)
        # OFFSET 0 keeps the look a look: where a generation is younger than the table's statistics, PostgreSQL thinks
        # that it has one row, and would compare all of it with every key.
        return (
            f"SELECT {columns}, t.{_ID} FROM unnest({arrays}) AS k ({names}) CROSS JOIN LATERAL"  # noqa: S608
            f' (SELECT * FROM "{self.name}" AS t WHERE {where} AND t.generation = %s OFFSET 0) AS t'
        )

    def _update_postgres(self) -> str:
        columns = (*self.changing, _ID)
        arrays = ", ".join(f"%s::{self._types.get(column, 'bigint')}[]" for column in columns)
        names = ", ".join(f'"{column}"' for column in columns)
        sets = ", ".join(f'"{column}" = k."{column}"' for column in self.changing)
        return (
            f'UPDATE "{self.name}" AS t SET {sets} FROM unnest({arrays}) AS k ({names})'  # noqa: S608 - our own model
            f" WHERE t.{_ID} = k.{_ID}"
        )

    def _read(self, column: str) -> str:
        return f't."{column}"::text' if self._types[column] in _AS_TEXT else f't."{column}"'

    def _load_sqlite(self, cursor: CursorWrapper, keys: Iterable[Key], generation: int) -> list[tuple[Any, ...]]:
        columns = (*self.key, *self.changing, _ID)
        names = ", ".join(f't."{column}"' for column in columns)
        where = " AND ".join(
            f"t.\"{column}\" = json_extract(k.value, '$[{place}]')" for place, column in enumerate(self.key)
        )
        # CROSS JOIN makes SQLite look each key up in the index instead of reading the whole table.
        statement = (
            f'SELECT {names} FROM json_each(%s) AS k CROSS JOIN "{self.name}" AS t'  # noqa: S608 - our own model
            f" ON t.generation = %s AND {where}"
        )
        hexed = [[_hexed(v) if c in self._uuids else v for c, v in zip(self.key, key, strict=True)] for key in keys]
        cursor.execute(statement, [json.dumps(hexed), generation])
        places = [place for place, column in enumerate(columns) if column in self._uuids]
        rows = []
        for row in cursor.fetchall():
            values = list(row)
            for place in places:
                values[place] = _hyphened(values[place])
            rows.append(tuple(values))
        return rows

    def _values_sqlite(self, rows: Iterable[Row], columns: Key) -> list[list[Any]]:
        uuids = self._uuids
        return [[_hexed(row[c]) if c in uuids else row[c] for c in columns] for row in rows]


def _array(values: Collection[Any], *, quoted: bool) -> str:
    """Return PostgreSQL's text of an array: psycopg's own takes as long as all the rest."""
    if quoted:
        texts = ["NULL" if v is None else '"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values]
    else:
        texts = ["NULL" if v is None else str(v) for v in values]
    return "{" + ",".join(texts) + "}"


def _copy_line(values: list[Any]) -> str:
    """Return a row as PostgreSQL's COPY reads it; nearly none has a character that must be escaped."""
    line = "\t".join(["\\N" if v is None else str(v) for v in values])
    is_plain = line.count("\\") == values.count(None) and line.count("\t") == len(values) - 1
    if is_plain and "\n" not in line and "\r" not in line:
        return line
    return "\t".join("\\N" if v is None else str(v).translate(_COPY_ESCAPES) for v in values)


def _hexed(uuid: str | None) -> str | None:
    """Return a uuid as Django keeps it on SQLite."""
    return uuid and uuid.replace("-", "")


def _hyphened(uuid: str | None) -> str | None:
    return uuid and f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"


class Draft:
    """The rows that a batch concerns: loaded at once, changed in memory, written back at once."""

    def __init__(self, table: Table, keys: Collection[Key], generation: int, using: str) -> None:
        self._table = table
        self._generation = generation
        self._using = using
        self._rows = table.load(keys, generation, using)
        self._new: dict[Key, Row] = {}
        self._changed: dict[Key, Row] = {}

    def find(self, key: Key, position: int) -> Row:
        """Return the row of that key, for the event at that position; MissingRow where there is none."""
        row = self._rows.get(key)
        if row is None:
            raise MissingRow(self._table.name, key, position)
        return row

    def change(self, key: Key, position: int) -> Row:
        """Return the row of that key, to be changed by the event at that position; MissingRow where there is none."""
        row = self.find(key, position)
        row["position"] = position
        if key not in self._new:
            self._changed[key] = row
        return row

    def add(self, key: Key, row: Row) -> Row:
        """Add a row that has every column of the table."""
        self._rows[key] = self._new[key] = row
        return row

    def save(self) -> None:
        """Write what was added and what was changed."""
        self._table.insert(self._new.values(), self._generation, self._using)
        self._table.update(self._changed.values(), self._using)
