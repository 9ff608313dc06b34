"""Statements over many rows for PostgreSQL: COPY for new rows, arrays for keys and changes.

# Note [Few rows are written by prepared statements]
At the head of the log a batch is an event or two, and planning a statement takes longer than running it. So statements
over few rows are prepared once for a connection. Those over many rows are planned each time, for their number.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from hashlib import blake2s
from typing import Any, Final

from django.db.backends.utils import CursorWrapper

from eventstore.libpq import arrays
from eventstore.libpq.pipeline import fetch_all
from eventstore.libpq.prepared import Prepared
from projectors.tables.layout import ID, Key, Layout, Row

# For the rest of the transaction: the planner prefers reading a whole table to a thousand looks into the index of
# its key, which takes ten times as long when the table is in memory.
_LOOK_UP: Final = "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
_COPY_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_QUOTED: Final = ("text", "jsonb")
_AS_TEXT: Final = ("date", "uuid", "jsonb")
_FEW: Final = 20


def load(cursor: CursorWrapper, layout: Layout, keys: Collection[Key], generation: int) -> list[tuple[Any, ...]]:
    """Return the loaded columns and the id of the rows that exist."""
    values = [*_arrays(layout, layout.key, zip(*keys, strict=True)), str(generation)]
    if len(keys) <= _FEW:
        rows = _run_prepared(cursor, _load_statement(layout), values)
    else:
        cursor.execute(_LOOK_UP)
        cursor.execute(_load_statement(layout), values)
        rows = cursor.fetchall()
    sums = [place for place, column in enumerate(layout.loaded) if column in layout.sums]
    return [_with_whole_numbers(row, sums) for row in rows] if sums else rows


def insert(cursor: CursorWrapper, layout: Layout, rows: Collection[Row], generation: int) -> None:
    """Insert whole rows."""
    if len(rows) <= _FEW:
        values = _arrays(layout, layout.columns, ([row[column] for row in rows] for column in layout.columns))
        _run_prepared(cursor, _insert_statement(layout), [str(generation), *values])
        return
    names = ", ".join(f'"{column}"' for column in layout.columns)
    copying = cursor.copy(f'COPY "{layout.name}" (generation, {names}) FROM STDIN')
    with cursor.db.wrap_database_errors, copying as copy:
        copy.write("".join(_copied(layout, rows, generation)))


def update(cursor: CursorWrapper, layout: Layout, rows: Collection[Row]) -> None:
    """Write the changing columns of rows that were loaded."""
    columns = (*layout.changing, ID)
    values = [*_arrays(layout, columns, ([row[column] for row in rows] for column in columns))]
    if len(rows) <= _FEW:
        _run_prepared(cursor, _update_statement(layout) + " RETURNING 1", values)
    else:
        cursor.execute(_update_statement(layout), values)


def delete(cursor: CursorWrapper, layout: Layout, column: str, values: Collection[str], generation: int) -> None:
    """Delete the rows whose uuid in a column is one of the values."""
    statement = f'DELETE FROM "{layout.name}" WHERE "{column}" = ANY(%s::uuid[]) AND generation = %s'  # noqa: S608 - names of our own model
    cursor.execute(statement, [[*values], generation])


def array_text(values: Collection[Any], *, quoted: bool) -> str:
    """Return PostgreSQL's text of an array; psycopg's own conversion takes as long as all the rest."""
    if quoted:
        texts = ["NULL" if v is None else '"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values]
    else:
        texts = ["NULL" if v is None else str(v) for v in values]
    return "{" + ",".join(texts) + "}"


def copy_line(values: list[Any]) -> str:
    """Return a row as COPY reads it; nearly no row has a character that must be escaped."""
    line = "\t".join(["\\N" if v is None else str(v) for v in values])
    is_plain = line.count("\\") == values.count(None) and line.count("\t") == len(values) - 1
    if is_plain and "\n" not in line and "\r" not in line:
        return line
    return "\t".join("\\N" if v is None else str(v).translate(_COPY_ESCAPES) for v in values)


def _run_prepared(cursor: CursorWrapper, sql: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
    """Run a statement whose values are texts. See Note [Few rows are written by prepared statements]."""
    return fetch_all(cursor.db, [(_prepared(sql), values)])[0]


@cache
def _prepared(sql: str) -> Prepared:
    name = f"projector_{blake2s(sql.encode(), digest_size=8).hexdigest()}"
    return Prepared(name.encode(), sql, (arrays.TEXT,) * sql.count("%s"))


def _with_whole_numbers(row: Sequence[Any], places: Iterable[int]) -> tuple[Any, ...]:
    values = list(row)
    for place in places:
        values[place] = int(values[place])
    return tuple(values)


def _arrays(layout: Layout, columns: Key, values: Iterable[Collection[Any]]) -> Iterator[str]:
    for column, of_column in zip(columns, values, strict=True):
        yield array_text(of_column, quoted=layout.types.get(column) in _QUOTED)


def _copied(layout: Layout, rows: Iterable[Row], generation: int) -> Iterator[str]:
    for row in rows:
        yield f"{generation}\t{copy_line([row[column] for column in layout.columns])}\n"


@cache
def _load_statement(layout: Layout) -> str:
    columns = ", ".join(_read(layout, column) for column in layout.loaded)
    arrays = ", ".join(f"%s::{layout.types[column]}[]" for column in layout.key)
    names = ", ".join(f'"{column}"' for column in layout.key)
    where = " AND ".join(f't."{column}" = k."{column}"' for column in layout.key)
    # OFFSET 0 keeps this a look into an index, and SELECT makes it that of the key: the planner assumes that a
    # generation younger than the table's statistics has one row, and would compare all of its rows with every key.
    return (
        f"SELECT {columns}, t.{ID} FROM unnest({arrays}) AS k ({names}) CROSS JOIN LATERAL"  # noqa: S608 - names of our own model
        f' (SELECT * FROM "{layout.name}" AS t WHERE {where} AND t.generation = (SELECT %s::integer) OFFSET 0) AS t'
    )


@cache
def _insert_statement(layout: Layout) -> str:
    arrays_ = ", ".join(f"%s::{layout.types[column]}[]" for column in layout.columns)
    names = ", ".join(f'"{column}"' for column in layout.columns)
    return f'INSERT INTO "{layout.name}" (generation, {names}) SELECT %s::integer, * FROM unnest({arrays_}) RETURNING 1'  # noqa: S608 - names of our own model


@cache
def _update_statement(layout: Layout) -> str:
    columns = (*layout.changing, ID)
    arrays = ", ".join(f"%s::{layout.types.get(column, 'bigint')}[]" for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    sets = ", ".join(f'"{column}" = k."{column}"' for column in layout.changing)
    return (
        f'UPDATE "{layout.name}" AS t SET {sets} FROM unnest({arrays}) AS k ({names})'  # noqa: S608 - names of our own model
        f" WHERE t.{ID} = k.{ID}"
    )


def _read(layout: Layout, column: str) -> str:
    return f't."{column}"::text' if layout.types[column] in _AS_TEXT else f't."{column}"'
