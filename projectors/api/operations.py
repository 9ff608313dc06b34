"""What consumers are doing, and whether this server can work: GET /api/consumers, /healthz and /readyz."""

from typing import Any

from django.core.management.base import CommandError
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router

from eventstore import store
from eventstore.management.base import require_migrated
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


def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer that this process is alive, and nothing more."""
    return JsonResponse({"status": "alive"})


def readyz(_request: HttpRequest) -> HttpResponse:
    """Answer whether this server can work: databases there and migrated, no consumer stopped by an error."""
    not_ready = [reason for alias in connections for reason in _database(alias)]
    if not not_ready:
        not_ready = [
            f"{status.name} stopped at position {status.error.position}"
            for status in statuses()
            if status.error is not None
        ]
    if not_ready:
        return JsonResponse({"status": "not ready", "reasons": not_ready}, status=503, headers={"Retry-After": "5"})
    return JsonResponse({"status": "ready"})


def _database(alias: str) -> list[str]:
    try:
        require_migrated(alias)
    except CommandError as error:
        return [f"the database {alias!r} is not migrated" if "not migrated" in str(error) else f"{alias!r} is away"]
    return []
