"""GET /api/events: the log, in order of position."""

import json
from functools import partial
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from eventstore import store
from eventstore.log.replica import read_up_to
from eventstore.records import RecordedEvent
from ledger.names import ACTOR_ID
from ledger.rules.events import CATEGORIES
from web.protocol import response_headers
from web.protocol.json_values import raw_json_response
from web.protocol.problems import not_found
from web.protocol.query_parameters import (
    Category,
    EventType,
    Limit,
    PathPosition,
    Position,
    QueryParameters,
    StreamId,
    Text,
)
from web.protocol.query_router import QueryRouter
from web.protocol.read_your_writes import wait_for_position
from web.protocol.response_schemas import EVENT_TYPES, EventPage, LoggedEvent

router = QueryRouter("the log")


class EventFilters(QueryParameters):
    """The filters of events; an event must match all that are given."""

    type: EventType | None = None
    stream_id: StreamId | None = None
    category: Category | None = None
    correlation_id: Text | None = None

    def filters(self) -> dict[str, str]:
        """Return the filters that are given, by name."""
        names = ("type", "stream_id", "category", "correlation_id")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def search(self, after: int, limit: int, using: str = "default") -> list[RecordedEvent]:
        """Return at most `limit` matching events after a position, in order."""
        wanted = self.filters()
        if self.type is not None and self.category is not None:
            occurs_in = [category for category, classes in CATEGORIES.items() if EVENT_TYPES[self.type] in classes]
            if self.category not in occurs_in:
                return []
            if occurs_in == [self.category]:
                del wanted["category"]  # every event of this type is in this category
        return store.search(after=after, limit=limit, using=using, **wanted)


class EventListParameters(EventFilters):
    """The part of the log to return."""

    after: Position = Field(0, description="Only events after this position.")
    limit: Limit = Field(100, description="The most events to return.")


@router.query("/events", EventPage, "list-events", "The log, in order of position")
def list_events(request: HttpRequest, parameters: Query[EventListParameters]) -> HttpResponse:
    """Answer a page of the log."""
    newest = wait_for_position(request, head)
    found = read_up_to(newest, partial(parameters.search, parameters.after, parameters.limit + 1))
    # A replica that missed a failover may have events beyond it that are gone.
    found = [event for event in found if event.position <= newest]
    page, next_page = found[: parameters.limit], None
    if page:
        store.ensure_durable(page[-1].position)
        response_headers.raise_position(request, page[-1].position)
    if len(found) > parameters.limit:
        query = {**parameters.filters(), "limit": parameters.limit, "after": page[-1].position}
        next_page = f"{request.path}?{urlencode(query)}"
    return raw_json_response(
        f'{{"items":[{",".join(as_json(event) for event in page)}],"next":{json.dumps(next_page)}}}'
    )


@router.query("/events/{int:position}", LoggedEvent, "get-event", "The event at a position", may_be_missing=True)
def get_event(request: HttpRequest, position: PathPosition) -> HttpResponse:
    """Answer one event."""
    newest = wait_for_position(request, head)
    found = read_up_to(position, partial(store.read_event, position)) if position <= newest else None
    if found is None:
        raise not_found(f"There is no event at position {position}.")
    store.ensure_durable(position)
    response_headers.raise_position(request, position)
    return raw_json_response(as_json(found))


def head() -> int:
    """Return the position of the last event, which is durable."""
    return store.durable_head()


def as_json(event: RecordedEvent) -> str:
    """Return the JSON of an event; its payload is JSON already."""
    rest = {
        "schema_version": event.schema_version,
        "actor": event.actor,
        "actor_id": event.metadata.get(ACTOR_ID),
        "correlation_id": event.correlation_id,
        "causation": event.causation,
        "recorded_at": event.recorded_at.isoformat(),
    }
    return (
        f'{{"position":{event.position},"stream_id":{json.dumps(event.stream_id)},"version":{event.version},'
        f'"type":{json.dumps(event.type)},"payload":{event.payload_json},{json.dumps(rest)[1:]}'
    )
