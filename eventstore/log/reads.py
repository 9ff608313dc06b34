"""Reads of the log, page by page along an index; the statements are in reads.sql."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
from django.db import connections
from psycopg import pq

from eventstore.libpq import arrays
from eventstore.libpq.prepared import Prepared, fetch
from eventstore.models import Event
from eventstore.named_sql import named_sql
from eventstore.payloads.registry import check_category
from eventstore.records import Head, RecordedEvent

COLUMNS: Final = (
    "position, stream_id, version, type, schema_version, payload, actor, correlation_id, causation, metadata,"
    " recorded_at"
)
SHORT_STREAM: Final = 100
"""How many events of each stream are read at once; so many are folded in a millisecond."""
SQL: Final = named_sql(Path(__file__).parent / "reads.sql", columns=COLUMNS, many=str(SHORT_STREAM))
NO_BOUND: Final = 2**63 - 1
_FEW: Final = 1000
_BY_STREAM: Final = 1000
_HEAD: Final = Prepared(b"eventstore_head", SQL["head"], ())
_STREAMS: Final = Prepared(b"eventstore_streams", SQL["streams_postgresql"], (arrays.TEXT_ARRAY, arrays.BIGINT_ARRAY))
_LATEST: Final = Prepared(
    b"eventstore_latest", SQL["latest_postgresql"], (arrays.TEXT_ARRAY, arrays.TEXT_ARRAY, arrays.BIGINT)
)
_CATEGORY: Final = Prepared(
    b"eventstore_category", SQL["category_forwards"], (arrays.TEXT, arrays.BIGINT, arrays.BIGINT, arrays.BIGINT)
)
_VERSION: Final = attrgetter("version")
_new: Final = tuple.__new__  # RecordedEvent._make does the same in twice the time
_POSITION: Final = attrgetter("position")
_MOMENT_LOADER: Final = psycopg.adapters.get_loader(psycopg.adapters.types["timestamptz"].oid, pq.Format.TEXT)

Page = Callable[[int, int, int], list[RecordedEvent]]
"""Reads one page: at most so many events, above a lower bound and at or below an upper bound."""


def records(rows: Sequence[Sequence[Any]]) -> list[RecordedEvent]:
    """Make records of rows of COLUMNS; SQLite returns moments in UTC without a time zone, and sometimes as text."""
    if not rows or getattr(rows[0][-1], "tzinfo", None) is not None:
        return [_new(RecordedEvent, row) for row in rows]
    return [_new(RecordedEvent, (*row[:-1], _in_utc(row[-1]))) for row in rows]


def _in_utc(moment: datetime | str) -> datetime:
    naive = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return naive.replace(tzinfo=UTC)


def select(using: str, sql: str, params: Sequence[Any]) -> list[RecordedEvent]:
    """Run a query whose columns are COLUMNS."""
    with connections[using].cursor() as cursor:
        if connections[using].vendor == "postgresql":
            # Django's own loader is written in Python and takes longer than the rest of the row.
            cursor.adapters.register_loader("timestamptz", _MOMENT_LOADER)
        cursor.execute(sql, params)
        return records(cursor.fetchall())


def head(using: str = "default") -> Head:
    """Return the newest event's position and time of recording."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        newest = records(fetch(connection, _HEAD, []))
    else:
        newest = select(using, SQL["head"], [])
    return Head(newest[0].position, newest[0].recorded_at) if newest else Head(0, None)


def read_event(position: int, using: str = "default") -> RecordedEvent | None:
    """Return the event at a position, or None; there is none at a number that no position can be."""
    if not 0 < position <= NO_BOUND:
        return None
    found = select(using, SQL["event"], [position])
    return found[0] if found else None


def read_batch(
    *, from_position: int, limit: int, up_to: int | None = None, using: str = "default"
) -> list[RecordedEvent]:
    """Return at most `limit` events at or above a position and at or below `up_to`, in order: one query."""
    return select(using, SQL["all_forwards"], [from_position - 1, NO_BOUND if up_to is None else up_to, limit])


def read_stream(  # noqa: PLR0913 - readers need each of these bounds
    stream_id: str,
    *,
    after_version: int = 0,
    up_to_version: int | None = None,
    up_to: int | None = None,
    backwards: bool = False,
    limit: int | None = None,
    batch_size: int = 1000,
    using: str = "default",
) -> Iterator[RecordedEvent]:
    """Yield a stream's events above `after_version`, up to `up_to_version` and position `up_to`, in either order."""
    highest = NO_BOUND if up_to_version is None else up_to_version
    sql, position = SQL[_directed("stream", backwards=backwards)], NO_BOUND if up_to is None else up_to

    def page(low: int, high: int, size: int) -> list[RecordedEvent]:
        return select(using, sql, [stream_id, low, high, position, size])

    return _paged(page, (after_version, highest), _VERSION, backwards=backwards, limit=limit, batch_size=batch_size)


def read_all(  # noqa: PLR0913 - readers need each of these filters
    *,
    after: int = 0,
    up_to: int | None = None,
    types: Sequence[str] | None = None,
    category: str | None = None,
    backwards: bool = False,
    limit: int | None = None,
    batch_size: int = 1000,
    using: str = "default",
) -> Iterator[RecordedEvent]:
    """Yield events in order of position, above `after` and at or below `up_to`, of these types and this category.

    An empty `types` finds nothing; None means all types. Raises InvalidCategory.
    """
    if category is not None:
        check_category(category)
    if types is not None and not types:
        return iter(())
    distinct = tuple(dict.fromkeys(types or ()))

    def page(low: int, high: int, size: int) -> list[RecordedEvent]:
        if category is not None and not distinct and not backwards and connections[using].vendor == "postgresql":
            return records(fetch(connections[using], _CATEGORY, [category, low, high, size]))
        return select(using, *_query(distinct, category, (low, high, size), backwards=backwards))

    bounds = (after, NO_BOUND if up_to is None else up_to)
    return _paged(page, bounds, _POSITION, backwards=backwards, limit=limit, batch_size=batch_size)


def _paged(  # noqa: PLR0913 - the bounds of read_stream and of read_all
    page: Page,
    bounds: tuple[int, int],
    place_of: Callable[[RecordedEvent], int],
    *,
    backwards: bool,
    limit: int | None,
    batch_size: int,
) -> Iterator[RecordedEvent]:
    """Yield the events of page after page; each page is bounded by the place of the last event before it."""
    low, high = bounds
    remaining = limit
    while remaining is None or remaining > 0:
        size = batch_size if remaining is None else min(batch_size, remaining)
        batch = page(low, high, size)
        yield from batch
        if len(batch) < size:
            return
        if backwards:
            high = place_of(batch[-1]) - 1
        else:
            low = place_of(batch[-1])
        remaining = None if remaining is None else remaining - len(batch)


def _query(
    types: Sequence[str], category: str | None, bounds: tuple[int, int, int], *, backwards: bool
) -> tuple[str, list[Any]]:
    """Return the statement and its values for one page of the whole log, of a category, or of some types."""
    if types:
        branch = SQL[_directed("type_branch", backwards=backwards)]
        sql = " UNION ALL ".join([branch] * len(types)) + " " + SQL[_directed("order_branches", backwards=backwards)]
        return sql, [value for name in types for value in (name, category, *bounds)] + [bounds[-1]]
    if category is not None:
        return SQL[_directed("category", backwards=backwards)], [category, *bounds]
    return SQL[_directed("all", backwards=backwards)], [*bounds]


def _directed(name: str, *, backwards: bool) -> str:
    return f"{name}_backwards" if backwards else f"{name}_forwards"


def search(  # noqa: PLR0913 - readers need each of these filters
    *,
    after: int = 0,
    limit: int,
    type: str | None = None,  # noqa: A002 - as the column is called
    stream_id: str | None = None,
    category: str | None = None,
    correlation_id: str | None = None,
    using: str = "default",
) -> list[RecordedEvent]:
    """Return at most `limit` events above a position, in order, that match every filter given.

    The index of the most selective filter is scanned; the other filters are compared with what it finds. Raises
    InvalidCategory.
    """
    if category is not None:
        check_category(category)
    given = {"stream_id": stream_id, "correlation_id": correlation_id, "type": type, "category": category}
    filters = {column: value for column, value in given.items() if value is not None}
    leading = _most_selective(filters, after, using)
    # The other columns are written as expressions, which no index covers, so the database uses the leading index.
    conditions = [f" AND {column}" if column == leading else f" AND {column} || ''" for column in filters]
    sql, params = SQL["search"] + "".join(f"{condition} = %s" for condition in conditions), [after, *filters.values()]
    if leading == "stream_id":
        # Within a stream, versions rise with positions, and the index of streams is sorted by version.
        return select(
            using,
            f"{sql} {SQL['beyond_page_of_stream']} ORDER BY version LIMIT %s",
            [*params, after, stream_id, limit],
        )
    return select(using, f"{sql} ORDER BY position LIMIT %s", [*params, limit])


def _most_selective(filters: Mapping[str, str], after: int, using: str) -> str | None:
    """Return the first filter that few events above a position match, otherwise the first one given."""
    if len(filters) > 1:
        for column, value in filters.items():
            found = Event.objects.using(using).filter(**{column: value}, position__gt=after)
            if found.order_by()[:_FEW].count() < _FEW:
                return column
    return next(iter(filters), None)


def last_of_type(type_name: str, up_to: int | None = None, using: str = "default") -> RecordedEvent | None:
    """Return the newest event of a type, at or below position `up_to`, or None."""
    return next(read_all(types=[type_name], up_to=up_to, backwards=True, limit=1, using=using), None)


def latest(
    stream_ids: Sequence[str], types: Sequence[str], up_to: int, using: str = "default"
) -> dict[str, RecordedEvent]:
    """Return, for each stream that has one, its newest event of these types at or below a position: one query."""
    if not stream_ids or not types:
        return {}
    connection = connections[using]
    if connection.vendor == "postgresql":
        found = records(fetch(connection, _LATEST, [list(stream_ids), list(types), up_to]))
    else:
        found = select(using, SQL["latest_sqlite"], [json.dumps(list(types)), up_to, json.dumps(list(stream_ids))])
    return {event.stream_id: event for event in found}


class StreamsRead(NamedTuple):
    """The events of several streams, in order of version, and the newest position of the log, as of one moment."""

    events: Mapping[str, list[RecordedEvent]]
    head: int


def read_streams(after: Mapping[str, int], using: str = "default") -> StreamsRead:
    """Return the first events of each stream above its version, at most SHORT_STREAM of each: one query for all."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        rows = fetch(connection, _STREAMS, [list(after), list(after.values())])
    else:
        with connection.cursor() as cursor:
            cursor.execute(SQL["streams_sqlite"], [json.dumps(list(after.items()))])
            rows = cursor.fetchall()
    events: dict[str, list[RecordedEvent]] = {stream_id: [] for stream_id in after}
    if rows[0][1] is not None:
        for event in sorted(records([row[1:] for row in rows]), key=_VERSION):
            events[event.stream_id].append(event)
    return StreamsRead(events, rows[0][0])


def versions(stream_ids: Sequence[str], using: str = "default") -> dict[str, int]:
    """Return the version of each stream, 0 if it has no event: one query for all streams."""
    is_postgresql = connections[using].vendor == "postgresql"
    with connections[using].cursor() as cursor:
        if is_postgresql:
            cursor.execute(SQL["versions_postgresql"], [list(stream_ids)])
        else:
            cursor.execute(SQL["versions_sqlite"], [json.dumps(list(stream_ids))])
        return dict(cursor.fetchall())


def read_by_stream(up_to: int, using: str = "default") -> Iterator[list[RecordedEvent]]:
    """Yield batches of all events at or below a position, in order of stream and version."""
    after: tuple[str, int] = ("", 0)
    while True:
        batch = select(using, SQL["by_stream"], [*after, up_to, _BY_STREAM])
        yield batch
        if len(batch) < _BY_STREAM:
            return
        after = (batch[-1].stream_id, batch[-1].version)
