"""Values of the ledger as JSON carries them, and the conversation that a request belongs to.

Decimals, uuids, dates and moments are text, and lose no digit.
"""

import dataclasses
import json
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4  # noqa: TID251 - the edge where a conversation begins

from django.http import HttpRequest, HttpResponse

_CONVERSATION: Final = re.compile(r"[!-~]{1,200}")
_TRACE: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_KNOWN: Final = "daybook.correlation_id"
"""Where a request keeps its id; no header can have that name."""


def plain(value: Any) -> Any:
    """Return the value as JSON's own types."""
    match value:
        case Decimal():
            return f"{value:f}"
        case UUID():
            return str(value)
        case date() | datetime():
            return value.isoformat()
        case tuple() | list() | frozenset():
            return [plain(one) for one in value]
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case _:
            return value


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
