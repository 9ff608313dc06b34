"""Give every request an id, one line in the log, and a count in the metrics."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import bound_contextvars

from web import addresses, metrics
from web.protocol.correlation_id import correlation_id
from web.security import PROBES

REQUEST_ID: Final = "X-Request-ID"
_FIRST_FAILURE: Final = 500
_logger = logging.getLogger(__name__)


class RequestMiddleware:
    """The outermost middleware, so that it sees the final answer to each request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, then log and count the request."""
        began = time.perf_counter()
        request.META["REMOTE_ADDR"] = addresses.client(request)
        # All that is logged while this thread handles the request carries the same id.
        with bound_contextvars(correlation_id=correlation_id(request)):
            response = self._get_response(request)
            response.headers[REQUEST_ID] = correlation_id(request)
            _record(request, response, time.perf_counter() - began)
        return response


def _record(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    route, status = metrics.route(request), response.status_code
    metrics.observe(request.method or "", route, status, seconds)
    level = logging.WARNING if status >= _FIRST_FAILURE else logging.INFO
    if level == logging.INFO and request.path in PROBES:
        level = logging.DEBUG
    if not _logger.isEnabledFor(level):
        return
    line = {
        "method": request.method,
        "path": request.path,  # without the query, which may hold confidential values
        "route": route,
        "status": status,
        "duration_ms": round(seconds * 1000, 1),
        "actor": _actor(request),
        "address": request.META["REMOTE_ADDR"],
    }
    _logger.log(level, "request", extra=line)


def _actor(request: HttpRequest) -> str | None:
    """Return the caller's name if authentication has already looked it up; do not look it up for the log."""
    caller: Any = getattr(request, "auth", None) or getattr(request, "_cached_user", None)
    return caller.get_username() if isinstance(caller, User) else None
