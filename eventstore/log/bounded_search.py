"""A search of the log, newest first, at a bounded cost: it reads one index and stops after SCAN_LIMIT events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import connections

from eventstore.log.reads import COLUMNS, select
from eventstore.records import RecordedEvent

SCAN_LIMIT: Final = 5_000
"""How many events one search reads at most."""
FILTERS: Final = ("stream_id", "correlation_id", "causation", "actor", "type", "category")
"""The columns that can be searched, the most selective first; each has an index that ends with the position."""

_SCANNED: Final = "(SELECT * FROM eventstore_event WHERE {where} ORDER BY {order} DESC LIMIT {limit}) AS scanned"


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
