"""Reads of the log, in keyset batches, each by an index."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from django.db import connections
from psycopg import pq

from eventstore.records import Head, RecordedEvent

COLUMNS = (
    "position, stream_id, version, type, schema_version, payload, actor, correlation_id, causation, metadata,"
    " recorded_at"
)
_LITTLE: Final = 1000
_BY_STREAM: Final = 2000
_NOTHING: Final = "''"
_VERSION_AT: Final = (
    "coalesce((SELECT page.version FROM eventstore_event page WHERE page.position = %s AND page.stream_id = %s), 0)"
)
_NO_VERSION_IS_HIGHER: Final = 2**63 - 1
_MOMENT_LOADER: Final = psycopg.adapters.get_loader(psycopg.adapters.types["timestamptz"].oid, pq.Format.TEXT)


def records(rows: Sequence[Sequence[Any]]) -> list[RecordedEvent]:
    """Make records of rows of COLUMNS; SQLite keeps moments without a time zone, in UTC, and sometimes as text."""
    if not rows or getattr(rows[0][-1], "tzinfo", None) is not None:
        return [RecordedEvent._make(row) for row in rows]
    return [RecordedEvent._make((*row[:-1], _in_utc(row[-1]))) for row in rows]


def _in_utc(moment: datetime | str) -> datetime:
    naive = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return naive.replace(tzinfo=UTC)


def select(using: str, sql: str, params: Sequence[Any]) -> list[RecordedEvent]:
    """Run a query whose columns are COLUMNS."""
    with connections[using].cursor() as cursor:
        if connections[using].vendor == "postgresql":
            # In place of Django's, which is made in Python and takes longer than all the rest of a row.
            cursor.adapters.register_loader("timestamptz", _MOMENT_LOADER)
        cursor.execute(sql, params)
        return records(cursor.fetchall())


def head(using: str = "default") -> Head:
    """Return the newest event's position and time of recording."""
    newest = select(using, f"SELECT {COLUMNS} FROM eventstore_event ORDER BY position DESC LIMIT 1", [])  # noqa: S608
    return Head(newest[0].position, newest[0].recorded_at) if newest else Head(0, None)


def read_event(position: int, using: str = "default") -> RecordedEvent | None:
    """Return the event at a position, or None."""
    found = select(using, f"SELECT {COLUMNS} FROM eventstore_event WHERE position = %s", [position])  # noqa: S608
    return found[0] if found else None


def read_batch(
    *, from_position: int, limit: int, up_to: int | None = None, using: str = "default"
) -> list[RecordedEvent]:
    """Return at most `limit` events at or above a position and at or below `up_to`, in order: one query."""
    bound, params = ("", []) if up_to is None else (" AND position <= %s", [up_to])
    sql = f"SELECT {COLUMNS} FROM eventstore_event WHERE position >= %s{bound} ORDER BY position LIMIT %s"  # noqa: S608
    return select(using, sql, [from_position, *params, limit])


def read_stream(  # noqa: PLR0913 - each bound is one that a reader may want
    stream_id: str,
    *,
    after_version: int = 0,
    up_to: int | None = None,
    backwards: bool = False,
    limit: int | None = None,
    batch_size: int = 1000,
    using: str = "default",
) -> Iterator[RecordedEvent]:
    """Yield a stream's events above `after_version`, at or below position `up_to`, forwards or backwards."""
    bound, extra = ("", []) if up_to is None else (" AND position <= %s", [up_to])
    low, high = after_version, _NO_VERSION_IS_HIGHER
    order = "DESC" if backwards else "ASC"
    sql = (
        f"SELECT {COLUMNS} FROM eventstore_event WHERE stream_id = %s AND version > %s AND version < %s{bound}"  # noqa: S608
        f" ORDER BY version {order} LIMIT %s"
    )
    remaining = limit
    while remaining is None or remaining > 0:
        size = batch_size if remaining is None else min(batch_size, remaining)
        batch = select(using, sql, [stream_id, low, high, *extra, size])
        yield from batch
        if len(batch) < size:
            return
        if backwards:
            high = batch[-1].version
        else:
            low = batch[-1].version
        remaining = None if remaining is None else remaining - len(batch)


def read_all(  # noqa: PLR0913 - each filter is one that a reader may want
    *,
    after: int = 0,
    up_to: int | None = None,
    types: Sequence[str] = (),
    category: str | None = None,
    backwards: bool = False,
    limit: int | None = None,
    batch_size: int = 1000,
    using: str = "default",
) -> Iterator[RecordedEvent]:
    """Yield events in order of position, above `after` and at or below `up_to`, of these types or this category."""
    low, high = after, up_to
    remaining = limit
    while remaining is None or remaining > 0:
        size = batch_size if remaining is None else min(batch_size, remaining)
        batch = _batch(using, (low, high), (tuple(types), category), backwards=backwards, size=size)
        yield from batch
        if len(batch) < size:
            return
        if backwards:
            high = batch[-1].position - 1
        else:
            low = batch[-1].position
        remaining = None if remaining is None else remaining - len(batch)


def _batch(
    using: str,
    bounds: tuple[int, int | None],
    filters: tuple[tuple[str, ...], str | None],
    *,
    backwards: bool,
    size: int,
) -> list[RecordedEvent]:
    low, high = bounds
    types, category = filters
    params: list[Any] = [low]
    where = "position > %s"
    if high is not None:
        where, params = f"{where} AND position <= %s", [*params, high]
    if category is not None:
        where, params = f"category = %s AND {where}", [category, *params]
    order = "DESC" if backwards else "ASC"
    if not types:
        sql = f"SELECT {COLUMNS} FROM eventstore_event WHERE {where} ORDER BY position {order} LIMIT %s"  # noqa: S608
        return select(using, sql, [*params, size])
    # One branch for each type keeps every branch on the index of (type, position), whatever the planner thinks.
    branch = (
        f"SELECT * FROM (SELECT {COLUMNS} FROM eventstore_event WHERE type = %s AND {where}"  # noqa: S608
        f" ORDER BY position {order} LIMIT %s) AS branch"
    )
    sql = f"{' UNION ALL '.join([branch] * len(types))} ORDER BY position {order} LIMIT %s"
    return select(using, sql, [value for name in types for value in (name, *params, size)] + [size])


def search(  # noqa: PLR0913 - each filter is one that a reader may want
    *,
    after: int = 0,
    limit: int,
    type: str | None = None,  # noqa: A002 - as the column is called
    stream_id: str | None = None,
    category: str | None = None,
    correlation_id: str | None = None,
    using: str = "default",
) -> list[RecordedEvent]:
    """Return at most `limit` events above a position, in order, that match all that is given.

    The index of one filter is read in order, and the other filters pass over what it finds; it is the one that finds
    little, where one does.
    """
    given = {"stream_id": stream_id, "correlation_id": correlation_id, "type": type, "category": category}
    filters = {column: value for column, value in given.items() if value is not None}
    leading = _leading(filters, after, using)
    # What is an expression has no index, whatever the planner thinks of it.
    where = "".join(f" AND {column if column == leading else f'{column} || {_NOTHING}'} = %s" for column in filters)
    order, params = "position", [after, *filters.values()]
    if leading == "stream_id":
        # A stream's versions rise with its positions, and its index has them; a page begins after the last one's end.
        order, where = "version", f"{where} AND version > {_VERSION_AT}"
        params += [after, stream_id]
    sql = f"SELECT {COLUMNS} FROM eventstore_event WHERE position > %s{where} ORDER BY {order} LIMIT %s"  # noqa: S608
    return select(using, sql, [*params, limit])


def _leading(filters: Mapping[str, str], after: int, using: str) -> str | None:
    """Return the first filter that finds little above a position, else the first that there is."""
    if len(filters) > 1:
        for column, value in filters.items():
            some = f"SELECT 1 FROM eventstore_event WHERE {column} = %s AND position > %s LIMIT %s"  # noqa: S608
            with connections[using].cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM ({some}) AS found", [value, after, _LITTLE])  # noqa: S608
                if cursor.fetchone()[0] < _LITTLE:
                    return column
    return next(iter(filters), None)


def last_of_type(type_name: str, up_to: int | None = None, using: str = "default") -> RecordedEvent | None:
    """Return the newest event of a type, at or below position `up_to`, or None."""
    return next(read_all(types=[type_name], up_to=up_to, backwards=True, limit=1, using=using), None)


def latest(
    stream_ids: Sequence[str], types: Sequence[str], up_to: int, using: str = "default"
) -> dict[str, RecordedEvent]:
    """Return, for each stream that has one, its newest event of these types at or below a position: one query.

    The streams are passed as one JSON array, so that their number is not bounded by the database's parameters.
    """
    if not stream_ids or not types:
        return {}
    source = (
        "jsonb_array_elements_text(%s::jsonb) AS wanted (stream_id)"
        if connections[using].vendor == "postgresql"
        else "(SELECT value AS stream_id FROM json_each(%s)) AS wanted"
    )
    marks = ", ".join(["%s"] * len(types))
    columns = ", ".join(f"e.{column.strip()}" for column in COLUMNS.split(","))
    sql = (
        f"SELECT {columns} FROM {source} JOIN eventstore_event e ON e.position = ("  # noqa: S608
        f"SELECT n.position FROM eventstore_event n WHERE n.stream_id = wanted.stream_id AND n.type IN ({marks})"
        " AND n.position <= %s ORDER BY n.version DESC LIMIT 1)"
    )
    ids = "[" + ",".join(f'"{stream}"' for stream in stream_ids) + "]"
    return {event.stream_id: event for event in select(using, sql, [ids, *types, up_to])}


def read_by_stream(up_to: int, using: str = "default") -> Iterator[list[RecordedEvent]]:
    """Yield batches of all events at or below a position, in order of stream and version."""
    after: tuple[str, int] = ("", 0)
    sql = (
        f"SELECT {COLUMNS} FROM eventstore_event WHERE (stream_id, version) > (%s, %s) AND position <= %s"  # noqa: S608
        " ORDER BY stream_id, version LIMIT %s"
    )
    while True:
        batch = select(using, sql, [*after, up_to, _BY_STREAM])
        yield batch
        if len(batch) < _BY_STREAM:
            return
        after = (batch[-1].stream_id, batch[-1].version)
