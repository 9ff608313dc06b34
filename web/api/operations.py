"""GET /api/consumers: the state of every process manager and projector."""

import json

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from pydantic import RootModel

from eventstore import store
from eventstore.consumers.status import Status, statuses
from web.protocol import response_headers, response_schemas
from web.protocol.json_values import raw_json_response
from web.protocol.query_router import QueryRouter
from web.protocol.read_your_writes import wait_for_position

router = QueryRouter("operations")


_Consumer = response_schemas.schema_of(Status, "Consumer", without=frozenset({"waiting_for"}))


class ConsumerList(RootModel[list[_Consumer]]):  # type: ignore[valid-type] # made at run time
    """Every consumer, in the order of their names."""


@router.query("/consumers", ConsumerList, "list-consumers", "The state of every process manager and projector")
def list_consumers(request: HttpRequest) -> HttpResponse:
    """Answer what `manage.py consumers --json` prints."""
    wait_for_position(request, store.durable_head)
    found = statuses()
    response_headers.raise_position(request, max((status.head for status in found), default=0))
    return raw_json_response(json.dumps([status.as_json() for status in found], cls=DjangoJSONEncoder))
