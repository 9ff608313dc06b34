"""The correlation id of a request: every event that it records, its log line and its answer carry the same one."""

import re
from typing import Final
from uuid import uuid4  # noqa: TID251 - the edge, where a correlation id begins

from django.http import HttpRequest

from web.protocol.query_parameters import header

_REQUEST_ID: Final = re.compile(r"[!-~]{1,200}")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_META_KEY: Final = "daybook.correlation_id"
"""The key in request.META under which the id is kept; no header can have this name."""


def correlation_id(request: HttpRequest) -> str:
    """Return X-Request-ID, or the trace id of traceparent, or a new id; each call for a request returns the same."""
    known: str = request.META.get(_META_KEY) or _from_headers(request)
    request.META[_META_KEY] = known
    return known


def _from_headers(request: HttpRequest) -> str:
    given = header(request, "X-Request-ID") or ""
    if _REQUEST_ID.fullmatch(given):
        return given
    traced = _TRACEPARENT.fullmatch(header(request, "traceparent") or "")
    return traced[1] if traced else str(uuid4())
