"""What every answer has besides its body: the position that it reflects, and the conversation that it belongs to."""

import json
import re
from datetime import date
from typing import Any, Final
from uuid import uuid4  # noqa: TID251 - the edge where a conversation begins

from django.http import HttpRequest, HttpResponse

from ledger.api.plain import plain
from ledger.api.problems import Fault, invalid

POSITION: Final = "Ledger-Position"
_CONVERSATION: Final = re.compile(r"[!-~]{1,200}")
_TRACE: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOST_DIGITS: Final = 19
_KNOWN: Final = "daybook.correlation_id"
"""Where a request keeps its id; no header can have that name."""


def answer(content: dict[str, Any] | list[dict[str, Any]], position: int) -> HttpResponse:
    """Return an answer that reflects the log up to a position."""
    return HttpResponse(json.dumps(plain(content)), content_type="application/json", headers={POSITION: str(position)})


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


def as_of(given: str | None) -> int | date | None:
    """Return the position or business date that `?as_of=` says; raises Problem."""
    if given is None:
        return None
    if given.isascii() and given.isdecimal() and len(given) <= _MOST_DIGITS:
        return int(given)
    try:
        if _DATE.fullmatch(given):
            return date.fromisoformat(given)
    except ValueError:
        pass
    raise invalid(Fault("/as_of", f"{given!r} is neither a position nor a date such as 2026-01-31"))
