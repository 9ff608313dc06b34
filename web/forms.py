"""Refuse a body or query that Django or a library cannot read, before any view does; read forms in their charset.

# Note [A request raises nothing]
Django and the libraries read forms lazily, and pass on any exception of their decoders. Under /api/ each value is
checked by the code that uses it. All other forms and queries are read here, once, and each fault is answered with 400.
"""

import codecs
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponseBase, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.http import parse_header_parameters

from web.protocol import problem_kinds, problems
from web.protocol.problems import Problem
from web.server.body_limits import limit_of

_API: Final = "/api/"
_OAUTH: Final = "/o/"
_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_FAULT: Final = "daybook.content_type_fault"
_UNKNOWN_TYPE: Final = "application/octet-stream"
_CHARSETS: Final = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252"})
"""The names by which codecs knows the charsets that clients send forms in; all of them contain ASCII."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class BodyMiddleware:
    """Refuses a body that is too large or cannot be read; see Note [A request raises nothing]."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer 413 if Content-Length is above the limit, and 400 if the query or the form cannot be read."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        limit = limit_of(request.path_info)
        if length.isdecimal() and int(length[:20]) > limit:
            return problems.too_large(limit).response()
        try:
            _read(request)
        except BadRequest as fault:
            return _refusal(request, str(fault)).response()
        except (UnreadablePostError, RequestDataTooBig) as error:
            return problems.of(error).response()
        return self._get_response(request)


def with_readable_content_type(application: Application) -> Application:
    """Replace a Content-Type header that Django cannot read, because Django would fail before any middleware runs."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if fault := _fault(environ.get("CONTENT_TYPE", "")):
            environ |= {_FAULT: fault, "CONTENT_TYPE": _UNKNOWN_TYPE}
        return application(environ, start_response)

    return answer


@lru_cache(maxsize=64)
def _fault(content_type: str) -> str:
    """Return why a Content-Type header cannot be used, or ""."""
    try:
        _, parameters = parse_header_parameters(content_type)
        charset = parameters.get("charset", "utf-8")
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return "The Content-Type names an unknown charset. Send the body as UTF-8."
    return "" if name in _CHARSETS else f"The charset {name} is not supported. Send the body as UTF-8."


def _read(request: HttpRequest) -> None:
    under_api = request.path_info.startswith(_API)
    if "\0" in request.path_info and not under_api:
        raise BadRequest("The address contains a null character.")
    if fault := request.META.get(_FAULT) or _fault(request.META.get("CONTENT_TYPE", "")):
        raise BadRequest(fault)
    form = None
    if request.content_type in {_FORM, _MULTIPART}:
        form = QueryDict() if under_api else _form(request)  # the API takes no forms
    # Django and libraries read the query, the form and the headers again, by the charset that the request names.
    request.encoding = "utf-8"
    if form is not None:
        _refuse_null_characters(form)
        request.POST = form  # type: ignore[assignment] # WSGIRequest has a setter
    if not under_api:
        _refuse_null_characters(request.GET)


def _form(request: HttpRequest) -> QueryDict:
    try:
        body = request.body  # kept for views that read it, too
        return QueryDict(body, encoding=request.encoding) if request.content_type == _FORM else request.POST
    except (UnreadablePostError, RequestDataTooBig):
        raise
    except (ValueError, LookupError, SuspiciousOperation, MultiPartParserError) as error:
        raise BadRequest("The body cannot be read as a form.") from error


def _refuse_null_characters(fields: QueryDict) -> None:
    for name, values in fields.lists():
        if any("\0" in text for text in (name, *values)):
            raise BadRequest("The form or the query contains a null character.")


def _refusal(request: HttpRequest, detail: str) -> Problem:
    # OAuth libraries read these two.
    members = {"error": "invalid_request", "error_description": detail}
    return Problem(problem_kinds.BAD_REQUEST, detail, members if request.path_info.startswith(_OAUTH) else {})
