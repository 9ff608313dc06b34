"""GET /api/consumers: what process managers and projectors are doing."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from eventstore import store
from eventstore.monitoring import statuses
from ledger.api.answers import answer
from ledger.api.schemas import NOT_READ
from ledger.api.waiting import reached

router = Router(tags=["operations"])


@router.get(
    "/consumers",
    response={200: list[dict[str, Any]], **NOT_READ},
    operation_id="list-consumers",
    summary="What process managers and projectors are doing",
)
def list_consumers(request: HttpRequest) -> HttpResponse:
    """Answer as `manage.py consumers --json` does."""
    reflected = reached(request, lambda: store.head().position)
    return answer([status.as_json() for status in statuses()], reflected)
