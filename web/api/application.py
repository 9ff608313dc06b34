"""Everything under /api/, put together."""

from typing import Any

from django.http import HttpRequest
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI

from web.api import books, business_date, commands, entities, event_stream, lists, log, operations, problem_pages
from web.protocol import problems
from web.protocol.authentication import may
from web.protocol.json_body import StrictParser
from web.protocol.openapi import DocumentedAPI


def _only_read(view: Any) -> Any:
    """Return a page that refuses every other method as such, before anybody asks for a CSRF token."""
    return csrf_exempt(require_safe(view))


def make() -> NinjaAPI:
    """Return the API; nothing in it is open to anybody, but for its own description."""
    api = DocumentedAPI(
        title="Daybook",
        version="1",
        parser=StrictParser(),
        auth=may(),
        urls_namespace="api",
        docs_decorator=_only_read,
    )
    api.add_router("/commands", commands.router)
    for module in (entities, business_date, log, event_stream, lists, books, operations, problem_pages):
        api.add_router("", module.router)
    for kind in problems.HANDLED:
        api.add_exception_handler(kind, handler)
    return api


def handler(request: HttpRequest, error: Any) -> Any:
    """Answer an error."""
    return problems.handler(request, error)


api = make()
