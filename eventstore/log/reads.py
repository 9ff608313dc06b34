"""Reads of the log, page by page along an index; the statements are in reads.sql."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.db import connections

from eventstore.libpq import arrays
from eventstore.libpq.pages import fetch_page
from eventstore.libpq.prepared import Prepared, fetch
from eventstore.named_sql import named_sql
from eventstore.payloads.registry import check_category
from eventstore.records import Head, RecordedEvent, Row, events_of, with_time_zones

COLUMNS: Final = (
    "position, stream_id, version, type, schema_version, payload, actor, correlation_id, causation, metadata,"
    " recorded_at"
)
SHORT_STREAM: Final = 100
"""How many events of each stream are read at once; so many are folded in a millisecond."""
SQL: Final = named_sql(Path(__file__).parent / "reads.sql", columns=COLUMNS, many=str(SHORT_STREAM))
NO_BOUND: Final = 2**63 - 1
_FEW_STREAMS: Final = 8
_BY_STREAM: Final = 1000
_HEAD: Final = Prepared(b"eventstore_head", SQL["head"], ())
_STREAMS: Final = Prepared(b"eventstore_streams", SQL["streams_postgresql"], (arrays.TEXT_ARRAY, arrays.BIGINT_ARRAY))
_LATEST: Final = Prepared(
    b"eventstore_latest", SQL["latest_postgresql"], (arrays.TEXT_ARRAY, arrays.TEXT_ARRAY, arrays.BIGINT)
)
_CATEGORY: Final = Prepared(
    b"eventstore_category", SQL["category_forwards"], (arrays.TEXT, arrays.BIGINT, arrays.BIGINT, arrays.BIGINT)
)
_POSITION, _VERSION = 0, 2

Page = Callable[[int, int, int], Sequence[Row]]
"""Reads one page: at most so many rows, above a lower bound and at or below an upper bound."""


def select(using: str, sql: str, params: Sequence[Any]) -> list[RecordedEvent]:
    """Run a query whose columns are COLUMNS."""
    return [*events_of(_rows(using, sql, params))]


def _rows(using: str, sql: str, params: Sequence[Any]) -> Sequence[Row]:
    connection = connections[using]
    if connection.vendor == "postgresql":
        return fetch_page(connection, sql, params)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return with_time_zones(cursor.fetchall())


def head(using: str = "default") -> Head:
    """Return the newest event's position and time of recording."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        newest = [*events_of(fetch(connection, _HEAD, []))]
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
    """Return at most `limit` events at or above a position and at or below `up_to`, in order."""
    rows = _page_of_all(from_position - 1, NO_BOUND if up_to is None else up_to, limit, using)
    return [*events_of(rows)]


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

    def page(low: int, high: int, size: int) -> Sequence[Row]:
        return _rows(using, sql, [stream_id, low, high, position, size])

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

    def page(low: int, high: int, size: int) -> Sequence[Row]:
        if not distinct and category is None and not backwards:
            return _page_of_all(low, high, size, using)
        if not distinct and not backwards and connections[using].vendor == "postgresql":
            return fetch(connections[using], _CATEGORY, [str(category), low, high, size])
        return _rows(using, *_query(distinct, category, (low, high, size), backwards=backwards))

    bounds = (after, NO_BOUND if up_to is None else up_to)
    return _paged(page, bounds, _POSITION, backwards=backwards, limit=limit, batch_size=batch_size)


def _paged(  # noqa: PLR0913 - the bounds of read_stream and of read_all
    page: Page,
    bounds: tuple[int, int],
    place: int,
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
        yield from events_of(batch)
        if len(batch) < size:
            return
        if backwards:
            high = batch[-1][place] - 1
        else:
            low = batch[-1][place]
        remaining = None if remaining is None else remaining - len(batch)


def _page_of_all(low: int, high: int, size: int, using: str) -> Sequence[Row]:
    """Return a page of the whole log.

    Without statistics, PostgreSQL would sort all events after `low` for each page, so it first looks only where the
    page must be if no position is missing. At the end of the log, and at a missing position, it looks everywhere.
    """
    near = low + size
    if near >= high or connections[using].vendor != "postgresql":
        return _rows(using, SQL["all_forwards"], [low, high, size])
    found = [*_rows(using, SQL["all_forwards"], [low, near, size])]
    if len(found) < size:
        above = found[-1][_POSITION] if found else low
        found += _rows(using, SQL["all_forwards"], [above, high, size - len(found)])
    return found


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
        found = [*events_of(fetch(connection, _LATEST, [list(stream_ids), list(types), up_to]))]
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
    if connection.vendor == "postgresql" and 0 < len(after) <= _FEW_STREAMS:
        values = [value for stream, low in after.items() for value in (stream, low, low + SHORT_STREAM)]
        rows = fetch(connection, _few_streams(len(after)), values)
    elif connection.vendor == "postgresql":
        rows = fetch(connection, _STREAMS, [list(after), list(after.values())])
    else:
        with connection.cursor() as cursor:
            cursor.execute(SQL["streams_sqlite"], [json.dumps(list(after.items()))])
            rows = cursor.fetchall()
    events: dict[str, list[RecordedEvent]] = {stream_id: [] for stream_id in after}
    if rows[0][1] is not None:
        found = with_time_zones([row[1:] for row in rows])
        for event in events_of(sorted(found, key=itemgetter(_VERSION))):
            events[event.stream_id].append(event)
    return StreamsRead(events, rows[0][0])


@cache
def _few_streams(number: int) -> Prepared:
    branches = " UNION ALL ".join([SQL["stream_branch"]] * number)
    sql = SQL["few_streams_postgresql"].replace("{branches}", branches)
    types = (arrays.TEXT, arrays.BIGINT, arrays.BIGINT) * number
    return Prepared(f"eventstore_streams_{number}".encode(), sql, types)


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
