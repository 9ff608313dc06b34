"""Searches of the log by several filters: forwards, and newest first at a bounded cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import connections

from eventstore.log.reads import COLUMNS, SQL, select
from eventstore.models import Event
from eventstore.payloads.registry import check_category
from eventstore.records import RecordedEvent

SCAN_LIMIT: Final = 5_000
"""How many events one search backwards reads at most."""
FILTERS: Final = ("stream_id", "correlation_id", "causation", "actor", "type", "category")
"""The columns that can be searched, the most selective first; each has an index that ends with the position."""

_FEW: Final = 1000
_SCANNED: Final = "(SELECT * FROM eventstore_event WHERE {where} ORDER BY {order} DESC LIMIT {limit}) AS scanned"


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


@dataclass(frozen=True, slots=True)
class Found:
    """The events found, newest first, and where to continue.

    `next_before` is the position below which the next search begins; None if the search has reached the beginning.
    """

    events: tuple[RecordedEvent, ...]
    next_before: int | None


def search_back(
    filters: Mapping[str, str | int], *, before: int, limit: int, scan_limit: int = SCAN_LIMIT, using: str = "default"
) -> Found:
    """Return at most `limit` events below position `before` that match every filter, newest first.

    `filters` are columns of FILTERS with the value that each must have. The search reads at most `scan_limit` events
    along the index of the most selective filter, and compares the other filters with these.
    """
    given = [(name, filters[name]) for name in FILTERS if name in filters]
    (lead, *others) = given or [("", "")]
    where, params = ["position < %s"], [before, *([lead[1]] if given else [])]
    if given:
        where.append(f"{lead[0]} = %s")
    order = "version" if lead[0] == "stream_id" else "position"
    scanned = _SCANNED.format(where=" AND ".join(where), order=order, limit=int(scan_limit))
    chosen = " AND ".join(f"{name} = %s" for name, _ in others)
    sql = f"SELECT {COLUMNS} FROM {scanned}{' WHERE ' + chosen if chosen else ''} ORDER BY position DESC LIMIT %s"  # noqa: S608 - names of our own columns
    events = select(using, sql, [*params, *(value for _, value in others), limit])
    if len(events) == limit:
        return Found(tuple(events), events[-1].position)
    return Found(tuple(events), _where_scanning_ended(scanned, params, scan_limit, using))


def _where_scanning_ended(scanned: str, params: list[Any], scan_limit: int, using: str) -> int | None:
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT count(*), min(position) FROM {scanned}", params)  # noqa: S608 - as above
        count, lowest = cursor.fetchone()
    return int(lowest) if count >= scan_limit and lowest > 1 else None
