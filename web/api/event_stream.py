"""GET /api/events/stream: the log, followed by server-sent events."""

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
from web.api.log import Narrowed, as_json, head
from web.protocol import problem_kinds, response_headers
from web.protocol.authentication import may_still_read
from web.protocol.problems import Problem
from web.protocol.query_parameters import IN_HEADERS, Position, in_header
from web.protocol.query_router import Queries
from web.protocol.read_your_writes import patient

router = Queries("the log")

LAST: Final = "Last-Event-ID"
_BATCH: Final = 500
_KEEP_ALIVE_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.5
_RECONNECT_MS: Final = 1000
_ASK_AGAIN_EVERY_S: Final = 1.0
"""How long after a token is revoked, or a permission taken away, events may still be sent."""

_ending: list[Callable[[], bool]] = []


def ends_when(is_ending: Callable[[], bool]) -> None:
    """Let streams end as soon as this says so: a server that is asked to end waits for them."""
    _ending.append(is_ending)


class Followed(Narrowed):
    """Which events, and from where on."""

    after: Position = Field(0, description=f"Only what is after this position; `{LAST}` counts more.")


_EXTRA: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": LAST,
            "in": "header",
            "required": False,
            "schema": IN_HEADERS,
            "description": "The last position that the client has seen, as a browser sends it when it comes back.",
        }
    ],
    "responses": {
        200: {
            "content": {
                "text/event-stream": {
                    "example": (
                        'id: 1\nevent: CompanyRegistered\ndata: {"position":1,"stream_id":"company-'
                        '5e11e700-0000-4000-8000-000000000001","version":1,"type":"CompanyRegistered",'
                        '"payload":{"name":"Baltic Timber"},"schema_version":1,"actor":"robot","correlation_id":'
                        '"invoice-4711","causation":null,"recorded_at":"2026-03-03T09:30:00.123456+00:00"}\n\n'
                    ),
                }
            }
        }
    },
}


@router.query(
    "/events/stream", None, "follow-events", "The log, followed from a position on by server-sent events", extra=_EXTRA
)
def follow_events(request: HttpRequest, which: Query[Followed]) -> StreamingHttpResponse:
    """Answer events as they are recorded, each with its position as id.

    The stream ends after some minutes, when the server does, when the database is away, or when who asked may no longer
    read. The client then comes back
    with the last position that it has seen, as a browser's EventSource does by itself, and misses and repeats nothing.
    """
    after, newest = in_header(request, LAST, which.after), head()
    response_headers.reflects(request, newest)
    if after > newest:
        raise PositionBeyondHead(position=after, head=newest)
    if not patient.acquire(blocking=False):
        raise Problem(problem_kinds.TOO_MANY_STREAMS, headers={"Retry-After": "5"})
    return StreamingHttpResponse(
        _Stream(after, which, lambda: may_still_read(request)),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class _Stream:
    """The body of the answer; it holds one of the places of those who wait, until it is closed or forgotten."""

    def __init__(self, after: int, which: Narrowed, may_go_on: Callable[[], bool]) -> None:
        self._after, self._which = after, which
        self._may_go_on, self._ask_at = may_go_on, time.monotonic() + _ASK_AGAIN_EVERY_S
        self._until = time.monotonic() + settings.STREAM_LIFETIME_S
        self._chunks: Generator[str] | None = None  # made once it is read, for it holds on to this
        self.give_back = weakref.finalize(self, patient.release)

    def __iter__(self) -> Iterator[str]:
        self._chunks = self._following()
        return self._chunks

    def close(self) -> None:
        """End it; the server calls this whatever became of the client."""
        if self._chunks is not None:
            self._chunks.close()
        self.give_back()

    def _following(self) -> Generator[str]:
        yield f"retry: {_RECONNECT_MS}\n\n"
        try:
            while not self._is_over():
                found = self._read()
                if not self._is_allowed():
                    return
                if found:
                    yield "".join(_as_sent(event) for event in found)
                else:
                    yield from self._asleep()
        except Exception as error:
            if not is_outage(error):
                raise

    def _read(self) -> list[RecordedEvent]:
        # The head first: positions become visible in order, so what is up to it and not found is not of interest.
        newest = head()
        found = self._which.search(self._after, _BATCH)
        before = self._after
        self._after = max(before, newest if len(found) < _BATCH else 0, *(event.position for event in found[-1:]))
        if self._after > before:
            # What is not on disk yet may be lost in a crash, and its position given to another event.
            store.barrier()
        return found

    def _is_allowed(self) -> bool:
        if time.monotonic() < self._ask_at:
            return True
        self._ask_at = time.monotonic() + _ASK_AGAIN_EVERY_S
        return self._may_go_on()

    def _asleep(self) -> Iterator[str]:
        """Sleep until something is appended or it is over, showing now and then that the stream is still there."""
        show_at = time.monotonic() + _KEEP_ALIVE_S
        while not self._is_over():
            left = min(show_at, self._until) - time.monotonic()
            if head_watcher.wait_beyond(self._after, min(max(left, 0), _LOOK_EVERY_S)):
                return
            if time.monotonic() >= show_at:
                connections.close_all()  # the one who watches for all of them has its own
                yield ": nothing new\n\n"
                show_at = time.monotonic() + _KEEP_ALIVE_S

    def _is_over(self) -> bool:
        return time.monotonic() >= self._until or any(is_ending() for is_ending in _ending)


def _as_sent(event: RecordedEvent) -> str:
    return f"id: {event.position}\nevent: {event.type}\ndata: {as_json(event)}\n\n"
