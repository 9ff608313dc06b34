"""What answers are made of: their JSON, and the conversation that a request belongs to."""

import json
import re
from typing import Any, Final
from uuid import uuid4  # noqa: TID251 - the edge where a conversation begins

from django.http import HttpRequest, HttpResponse

from ledger.api.plain import plain

_CONVERSATION: Final = re.compile(r"[!-~]{1,200}")
_TRACE: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_KNOWN: Final = "daybook.correlation_id"
"""Where a request keeps its id; no header can have that name."""


def answer(content: dict[str, Any] | list[dict[str, Any]]) -> HttpResponse:
    """Return an answer in JSON."""
    return as_it_is(json.dumps(plain(content)))


def as_it_is(content: str) -> HttpResponse:
    """Return an answer of what is JSON already."""
    return HttpResponse(content, content_type="application/json")


def correlation_id(request: HttpRequest) -> str:
    """Return the conversation that a request belongs to: X-Request-ID, or traceparent's trace, or a new one."""
    known: str = request.META.get(_KNOWN) or _correlation_id(request)
    request.META[_KNOWN] = known
    return known


def _correlation_id(request: HttpRequest) -> str:
    given = request.headers.get("X-Request-ID", "")
    if _CONVERSATION.fullmatch(given):
        return given
    traced = _TRACE.fullmatch(request.headers.get("traceparent", ""))
    return traced[1] if traced else str(uuid4())
