"""GET /api/consumers: what process managers and projectors are doing."""

import json

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from pydantic import RootModel

from eventstore import store
from eventstore.monitoring import Status, statuses
from ledger.api import notes, shapes
from ledger.api.answers import as_it_is
from ledger.api.reading import Queries
from ledger.api.waiting import reached

router = Queries("operations")


_NOT_TOLD = frozenset({"waiting_for"})
_Consumer = shapes.told(Status, "Consumer", _NOT_TOLD)


class ConsumerList(RootModel[list[_Consumer]]):  # type: ignore[valid-type] # made at run time
    """Every consumer, by name."""


@router.query("/consumers", ConsumerList, "list-consumers", "What process managers and projectors are doing")
def list_consumers(request: HttpRequest) -> HttpResponse:
    """Answer as `manage.py consumers --json` does."""
    reached(request, lambda: store.head().position)
    found = statuses()
    notes.reflects_also(request, max((status.head for status in found), default=0))
    return as_it_is(json.dumps([status.as_json() for status in found], cls=DjangoJSONEncoder))
