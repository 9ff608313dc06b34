"""GET /api/consumers: what process managers and projectors are doing."""

import json

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from pydantic import RootModel

from eventstore import store
from eventstore.consumers.status import Status, statuses
from web.protocol import response_headers, response_schemas
from web.protocol.json_values import as_it_is
from web.protocol.query_router import Queries
from web.protocol.read_your_writes import reached

router = Queries("operations")


_NOT_TOLD = frozenset({"waiting_for"})
_Consumer = response_schemas.told(Status, "Consumer", _NOT_TOLD)


class ConsumerList(RootModel[list[_Consumer]]):  # type: ignore[valid-type] # made at run time
    """Every consumer, by name."""


@router.query("/consumers", ConsumerList, "list-consumers", "What process managers and projectors are doing")
def list_consumers(request: HttpRequest) -> HttpResponse:
    """Answer as `manage.py consumers --json` does."""
    reached(request, lambda: store.head().position)
    found = statuses()
    response_headers.reflects_also(request, max((status.head for status in found), default=0))
    return as_it_is(json.dumps([status.as_json() for status in found], cls=DjangoJSONEncoder))
