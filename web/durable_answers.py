"""Holds every answer that may show the log until what it shows is durable.

The log, the read models and the states of consumers show an event as soon as it is committed, and a crash or another
server may still take it back. So no view decides by itself: each answer passes here. An answer of the API names the
position that it reflects; of any other answer it is only known that it shows nothing beyond the head, which is read
after the view has read. A stream of events checks each event itself, because it has no end.
See Note [Only what is durable is answered].
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from eventstore import store
from eventstore.errors import NotDurable
from eventstore.runtime.outages import is_outage, says_read_only
from eventstore.runtime.sqlite_files import file_fault
from web.protocol import problems, response_headers
from web.protocol.middleware import PUBLIC

API: Final = "/api/"
_SHOW_THE_LOG: Final = ("/admin/", API, "/books/", "/metrics")
_SHOW_NOTHING: Final = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.TOO_MANY_REQUESTS}
)
_STREAM: Final = "text/event-stream"
FOR_PEOPLE: Final = ("/admin/", "/books/")
"""The paths of pages."""
_DATABASE_ERRORS: Final = (DatabaseError, InterfaceError)
_RETRY_AFTER_S: Final = 1
_AGAIN: Final = "A form may be sent again: it records once."
_NOT_DURABLE: Final = (
    "The newest events of the ledger are not durable yet, so they are not shown.",
    f"Try again in a moment. {_AGAIN}",
)
_AWAY: Final = ("The database of the ledger is away.", f"Try again in a moment. {_AGAIN}")
_READ_ONLY: Final = (
    "The database of the ledger can only be read now.",
    "Nothing was recorded. The operator of this ledger knows when it takes changes again.",
)
_UNUSABLE: Final = (
    "The database of the ledger cannot be used.",
    "Nothing was recorded. The log of this server names the file and what its operator can do.",
)


class DurableAnswersMiddleware:
    """Answers 503 if what an answer shows does not become durable in time."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response, once what it shows is durable."""
        response = self._get_response(request)
        if not _may_show_the_log(request, response):
            return response
        try:
            position = response.headers.get(response_headers.POSITION)
            if position is None:
                store.durable_head()
            else:
                store.ensure_durable(int(position))
        except (NotDurable, *_DATABASE_ERRORS) as error:
            response.close()
            if not _is_known(error):
                raise  # above all, a log without its tables is not away
            return _unavailable(request, error)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Answer a page whose database is away, or which found by itself that what it was to show is not durable."""
        return _unavailable(request, error) if _is_known(error) else None


def page(title: str, remedy: str, retry_after_s: int) -> HttpResponse:
    """Return a page with status 503, of which nothing is read from the database, also not who reads it."""
    text = render_to_string("books/unavailable.html", {"title": title, "remedy": remedy})
    headers = {"Retry-After": str(retry_after_s)}
    return HttpResponse(text, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers, content_type="text/html")


def _is_known(error: Exception) -> bool:
    if isinstance(error, NotDurable):
        return True
    is_known = is_outage(error) or says_read_only(error) or file_fault(error) is not None
    return isinstance(error, _DATABASE_ERRORS) and is_known


def _may_show_the_log(request: HttpRequest, response: HttpResponseBase) -> bool:
    status = response.status_code
    return (
        request.path_info.startswith(_SHOW_THE_LOG)
        and request.path_info not in PUBLIC
        and status not in _SHOW_NOTHING
        and not HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.NOT_MODIFIED
        and status < HTTPStatus.INTERNAL_SERVER_ERROR
        and not response.headers.get("Content-Type", "").startswith(_STREAM)
    )


def _unavailable(request: HttpRequest, error: Exception) -> HttpResponseBase:
    if request.path_info.startswith(API):
        return problems.of(error).response()
    title, remedy = _words(error)
    remedy = f"{remedy} {problems.reported_file_fault(error)}".rstrip()
    if request.path_info.startswith(FOR_PEOPLE):
        return page(title, remedy, _RETRY_AFTER_S)
    text, headers = f"{title} {remedy}\n", {"Retry-After": str(_RETRY_AFTER_S)}
    return HttpResponse(text, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers, content_type="text/plain")


def _words(error: Exception) -> tuple[str, str]:
    if isinstance(error, NotDurable):
        return _NOT_DURABLE
    if says_read_only(error):
        return _READ_ONLY
    return _AWAY if is_outage(error) else _UNUSABLE
