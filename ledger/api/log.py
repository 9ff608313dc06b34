"""GET /api/events: the log, in order."""

import json
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.params import Query

from eventstore import store
from eventstore.records import RecordedEvent
from ledger.api.answers import POSITION
from ledger.api.problems import Fault, invalid, not_found
from ledger.api.schemas import NOT_READ, EventPage, LoggedEvent
from ledger.api.waiting import reached

router = Router(tags=["the log"])
_MOST = 1000
_GREATEST = 2**63 - 1


@router.get(
    "/events",
    response={200: EventPage, **NOT_READ},
    operation_id="list-events",
    summary="The log, in order of position, narrowed to what matches all that is given",
)
def list_events(  # noqa: PLR0913, PLR0917 - each filter is one that a reader may want
    request: HttpRequest,
    after: int = Query(0, ge=0, le=_GREATEST),  # type: ignore[type-arg]
    limit: int = Query(100, ge=1, le=_MOST),  # type: ignore[type-arg]
    type: str | None = None,  # noqa: A002 - as the contract names it
    stream_id: str | None = None,
    category: str | None = None,
    correlation_id: str | None = None,
) -> HttpResponse:
    """Answer a page of the log."""
    narrowed = {"type": type, "stream_id": stream_id, "category": category, "correlation_id": correlation_id}
    given = {name: value for name, value in narrowed.items() if value is not None}
    for name, value in given.items():
        if "\0" in value:
            raise invalid(Fault(f"/{name}", "a text has no null byte"))
    reflected = reached(request, lambda: store.head().position)
    found = store.search(
        after=after,
        limit=limit + 1,
        type_name=type,
        stream_id=stream_id,
        category=category,
        correlation_id=correlation_id,
    )
    page, further = found[:limit], None
    if len(found) > limit:
        further = f"{request.path}?{urlencode({**given, 'limit': limit, 'after': page[-1].position})}"
    content = f'{{"items":[{",".join(as_json(event) for event in page)}],"next":{json.dumps(further)}}}'
    return HttpResponse(content, content_type="application/json", headers={POSITION: str(reflected)})


@router.get(
    "/events/{int:position}",
    response={200: LoggedEvent, **NOT_READ},
    operation_id="get-event",
    summary="The event at a position",
)
def get_event(request: HttpRequest, position: int) -> HttpResponse:  # noqa: ARG001 - ninja's
    """Answer one event."""
    found = store.read_event(position) if position <= _GREATEST else None
    if found is None:
        raise not_found(f"There is no event at position {position}.")
    return HttpResponse(as_json(found), content_type="application/json", headers={POSITION: str(position)})


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
