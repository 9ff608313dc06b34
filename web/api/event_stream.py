"""GET /api/events/stream: the log as server-sent events."""

import time
import weakref
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

from django.conf import settings
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query
from pydantic import Field

from eventstore import store
from eventstore.records import RecordedEvent
from eventstore.runtime.head_watcher import head_watcher
from eventstore.runtime.outages import is_outage
from ledger.rules.refusals.dates import PositionBeyondHead
from web.api.log import EventFilters, as_json, head
from web.protocol import response_headers
from web.protocol.authentication import can_still_read
from web.protocol.query_parameters import POSITION_HEADER, Position, position_in_header
from web.protocol.query_router import QueryRouter
from web.slots import RATE_LIMIT_HEADERS, TOO_MANY, Slot, need_slot

router = QueryRouter("the log")

LAST_EVENT_ID: Final = "Last-Event-ID"
_BATCH: Final = 500
_KEEP_ALIVE_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.5
_RECONNECT_MS: Final = 1000

_ending: list[Callable[[], bool]] = []


def ends_when(is_ending: Callable[[], bool]) -> None:
    """End all streams when `is_ending` returns True, because the server waits for them when it ends."""
    _ending.append(is_ending)


class StreamParameters(EventFilters):
    """The events to send."""

    after: Position = Field(0, description=f"Only events after this position; `{LAST_EVENT_ID}` overrides it.")


_EXTRA: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": LAST_EVENT_ID,
            "in": "header",
            "required": False,
            "schema": POSITION_HEADER,
            "description": "The last position that the client has received; a browser sends it when it reconnects.",
        }
    ],
    "responses": {
        200: {
            "headers": RATE_LIMIT_HEADERS,
            "content": {
                "text/event-stream": {
                    "example": (
                        'id: 1\nevent: CompanyRegistered\ndata: {"position":1,"stream_id":"company-'
                        '5e11e700-0000-4000-8000-000000000001","version":1,"type":"CompanyRegistered",'
                        '"payload":{"name":"Baltic Timber"},"schema_version":1,"actor":"robot","correlation_id":'
                        '"invoice-4711","causation":null,"recorded_at":"2026-03-03T09:30:00.123456+00:00"}\n\n'
                    ),
                }
            },
        },
        429: TOO_MANY,
    },
}


@router.query(
    "/events/stream", None, "follow-events", "The log from a position on, as server-sent events", extra=_EXTRA
)
def follow_events(request: HttpRequest, parameters: Query[StreamParameters]) -> StreamingHttpResponse:
    """Send events as they are recorded, each with its position as its id.

    The stream ends after some minutes, when the server ends, when the database is unavailable, or when the client may
    no longer read. The client reconnects with the last position that it has received, as a browser's EventSource does,
    and receives every event exactly once.
    """
    after, newest = position_in_header(request, LAST_EVENT_ID, parameters.after), head()
    response_headers.set_position(request, newest)
    if after > newest:
        raise PositionBeyondHead(position=after, head=newest)
    slot = need_slot(request, settings.STREAM_LIFETIME_S)
    return StreamingHttpResponse(
        _Stream(after, parameters, lambda: can_still_read(request), slot),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class _Stream:
    """The body of the response; it holds a slot until it is closed or garbage-collected."""

    def __init__(self, after: int, filters: EventFilters, is_allowed: Callable[[], bool], slot: Slot) -> None:
        self._after, self._filters = after, filters
        self._is_allowed = is_allowed
        self._until = time.monotonic() + settings.STREAM_LIFETIME_S
        self._chunks: Generator[str] | None = None  # made when it is read, because it refers to this object
        self.release_slot = weakref.finalize(self, slot.give_back)

    def __iter__(self) -> Iterator[str]:
        self._chunks = self._follow()
        return self._chunks

    def close(self) -> None:
        """End the stream; the server calls this even if the client is gone."""
        if self._chunks is not None:
            self._chunks.close()
        self.release_slot()

    def _follow(self) -> Generator[str]:
        yield f"retry: {_RECONNECT_MS}\n\n"
        try:
            while not self._is_over():
                found = self._read()
                # Looked at after reading: what is recorded after a token is revoked is not sent.
                if not self._is_allowed():
                    return
                if found:
                    yield "".join(_message(event) for event in found)
                else:
                    yield from self._sleep()
        except Exception as error:
            if not is_outage(error):
                raise

    def _read(self) -> list[RecordedEvent]:
        # The head is read first. See Note [Positions become visible in order].
        newest = head()
        found = self._filters.search(self._after, _BATCH)
        before = self._after
        self._after = max(before, newest if len(found) < _BATCH else 0, *(event.position for event in found[-1:]))
        if self._after > before:
            # An event that is not on disk yet may be lost in a crash, and its position given to another event.
            store.ensure_durable(self._after)
        return found

    def _sleep(self) -> Iterator[str]:
        """Sleep until an event is appended or the stream is over; yield a comment at intervals as a sign of life."""
        comment_at = time.monotonic() + _KEEP_ALIVE_S
        while not self._is_over():
            left = min(comment_at, self._until) - time.monotonic()
            if head_watcher.wait_beyond(self._after, min(max(left, 0), _LOOK_EVERY_S)):
                return
            if time.monotonic() >= comment_at:
                connections.close_all()  # the head watcher has a connection of its own
                yield ": nothing new\n\n"
                comment_at = time.monotonic() + _KEEP_ALIVE_S

    def _is_over(self) -> bool:
        return time.monotonic() >= self._until or any(is_ending() for is_ending in _ending)


def _message(event: RecordedEvent) -> str:
    return f"id: {event.position}\nevent: {event.type}\ndata: {as_json(event)}\n\n"
