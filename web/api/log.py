"""GET /api/events: the log, in order."""

import json
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from eventstore import store
from eventstore.records import RecordedEvent
from ledger.rules.events import CATEGORIES
from web.protocol import response_headers
from web.protocol.json_values import as_it_is
from web.protocol.problems import not_found
from web.protocol.query_parameters import Asked, Category, EventType, Limit, NamedPosition, Position, StreamId, Text
from web.protocol.query_router import Queries
from web.protocol.read_your_writes import reached
from web.protocol.response_schemas import EVENT_TYPES, EventPage, LoggedEvent

router = Queries("the log")


class Narrowed(Asked):
    """Which events: those that match all that is given."""

    type: EventType | None = None
    stream_id: StreamId | None = None
    category: Category | None = None
    correlation_id: Text | None = None

    def filters(self) -> dict[str, str]:
        """Return what is given."""
        names = ("type", "stream_id", "category", "correlation_id")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def search(self, after: int, limit: int) -> list[RecordedEvent]:
        """Return at most `limit` of these events above a position, in order."""
        wanted = self.filters()
        if self.type is not None and self.category is not None:
            occurs_in = [category for category, classes in CATEGORIES.items() if EVENT_TYPES[self.type] in classes]
            if self.category not in occurs_in:
                return []
            if occurs_in == [self.category]:
                del wanted["category"]  # the type says it already
        return store.search(after=after, limit=limit, **wanted)


class Which(Narrowed):
    """Which part of the log."""

    after: Position = Field(0, description="Only what is after this position.")
    limit: Limit = Field(100, description="How many at most.")


@router.query("/events", EventPage, "list-events", "The log, in order of position, narrowed to what matches")
def list_events(request: HttpRequest, which: Query[Which]) -> HttpResponse:
    """Answer a page of the log."""
    reached(request, head)
    found = which.search(which.after, which.limit + 1)
    page, further = found[: which.limit], None
    if page:
        response_headers.reflects_also(request, page[-1].position)
    if len(found) > which.limit:
        further = f"{request.path}?{urlencode({**which.filters(), 'limit': which.limit, 'after': page[-1].position})}"
    return as_it_is(f'{{"items":[{",".join(as_json(event) for event in page)}],"next":{json.dumps(further)}}}')


@router.query("/events/{int:position}", LoggedEvent, "get-event", "The event at a position", may_be_missing=True)
def get_event(request: HttpRequest, position: NamedPosition) -> HttpResponse:
    """Answer one event."""
    reached(request, head)
    found = store.read_event(position)
    if found is None:
        raise not_found(f"There is no event at position {position}.")
    response_headers.reflects_also(request, position)
    return as_it_is(as_json(found))


def head() -> int:
    """Return the position up to which the log is."""
    return store.head().position


def as_json(event: RecordedEvent) -> str:
    """Return an event as the log has it; its payload is JSON already."""
    rest = {
        "schema_version": event.schema_version,
        "actor": event.actor,
        "correlation_id": event.correlation_id,
        "causation": event.causation,
        "recorded_at": event.recorded_at.isoformat(),
    }
    return (
        f'{{"position":{event.position},"stream_id":{json.dumps(event.stream_id)},"version":{event.version},'
        f'"type":{json.dumps(event.type)},"payload":{event.payload_json},{json.dumps(rest)[1:]}'
    )
