"""What every request gets: an id, one line in the log, and a place in the metrics."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import bound_contextvars

from web import addresses, metrics
from web.protocol.json_values import correlation_id
from web.security import PROBES

REQUEST_ID: Final = "X-Request-ID"
_FIRST_FAILURE: Final = 500
_logger = logging.getLogger(__name__)


class RequestMiddleware:
    """Stands before all others, so that it sees what each request is answered in the end."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and note how it went."""
        began = time.perf_counter()
        request.META["REMOTE_ADDR"] = addresses.client(request)
        # What else is logged on the way, in whatever thread handles this request, carries the same id.
        with bound_contextvars(correlation_id=correlation_id(request)):
            response = self._get_response(request)
            response.headers[REQUEST_ID] = correlation_id(request)
            _note(request, response, time.perf_counter() - began)
        return response


def _note(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    route, status = metrics.route(request), response.status_code
    metrics.observe(request.method or "", route, status, seconds)
    level = logging.WARNING if status >= _FIRST_FAILURE else logging.INFO
    if level == logging.INFO and request.path in PROBES:
        level = logging.DEBUG
    if not _logger.isEnabledFor(level):
        return
    line = {
        "method": request.method,
        "path": request.path,  # without the query, which may hold what is nobody's business
        "route": route,
        "status": status,
        "duration_ms": round(seconds * 1000, 1),
        "actor": _actor(request),
        "address": request.META["REMOTE_ADDR"],
    }
    _logger.log(level, "request", extra=line)


def _actor(request: HttpRequest) -> str | None:
    """Return who asked, as far as somebody has looked that up already."""
    caller: Any = getattr(request, "auth", None) or getattr(request, "_cached_user", None)
    return caller.get_username() if isinstance(caller, User) else None
