"""What holds of every answer under /api/: errors are problem+json, HEAD and OPTIONS work, and large answers are packed.

# Note [HEAD and OPTIONS]
A path that supports GET also supports HEAD, which is the answer to GET without its body. OPTIONS lists the methods of a
path in Allow, as 405 does for every other method. Both need the same authentication as GET or POST.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.contrib.messages import middleware as messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from ninja.errors import AuthenticationError

from web.protocol import problem_kinds, problems
from web.protocol.authentication import authenticators
from web.protocol.problems import Problem

_PREFIX: Final = "/api/"
PUBLIC: Final = frozenset({"/api/docs", "/api/openapi.json"})
_COMPRESSED: Final = (_PREFIX, "/metrics")
_MIN_COMPRESSED: Final = 1000
"""A shorter answer fits in one packet anyway."""
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class CompressionMiddleware(GZipMiddleware):
    """Compresses answers of the API that are large; a stream of events is sent as it is."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress the answer if the client accepts gzip."""
        if not request.path_info.startswith(_COMPRESSED) or not isinstance(response, HttpResponse):
            return response
        if len(response.content) < _MIN_COMPRESSED:
            return response
        return super().process_response(request, response)


class ProblemMiddleware:
    """Converts every error to problem+json, Django's own errors included."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response, as problem+json if it is an error."""
        response = self._get_response(request)
        if not request.path_info.startswith(_PREFIX) or not _is_djangos_own(response):
            return response
        problem = _problem(request, response).response()
        for name in ("Allow", "Ledger-Position"):
            if name in response.headers:
                problem[name] = response.headers[name]
        return problem


class MessageMiddleware(messages.MessageMiddleware):
    """Keeps messages for people until their next page; programs that use the API get none."""

    def process_request(self, request: HttpRequest) -> None:
        """Make the storage of messages, which takes as long as finding the view, only where one may be shown."""
        if not request.path_info.startswith(_PREFIX):
            super().process_request(request)


class MethodMiddleware:
    """Answers HEAD and OPTIONS; see Note [HEAD and OPTIONS]."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response, with all methods in Allow if it has that header."""
        if not request.path_info.startswith(_PREFIX):
            return self._get_response(request)
        response = self._head(request) if request.method == "HEAD" else self._get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return response
        allowed = {method.strip() for method in response.headers["Allow"].split(",")} | {"OPTIONS"}
        response.headers["Allow"] = ", ".join(sorted(allowed | ({"HEAD"} if "GET" in allowed else set())))
        return _options(request, response) if request.method == "OPTIONS" else response

    def _head(self, request: HttpRequest) -> HttpResponseBase:
        request.method = "GET"
        try:
            response = self._get_response(request)
        finally:
            request.method = "HEAD"
        if not isinstance(response, HttpResponse):
            # A stream has no end: its headers are the answer.
            answer = HttpResponse(status=response.status_code, headers=dict(response.items()))
            response.close()
            return answer
        response.headers["Content-Length"] = str(len(response.content))
        response.content = b""
        return response


def _options(request: HttpRequest, refused: HttpResponseBase) -> HttpResponse:
    """Return the methods of the path that does not support OPTIONS itself."""
    try:
        if request.path_info not in PUBLIC and all(known(request) is None for known in authenticators()):
            return problems.handle(request, AuthenticationError())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is answered as any error under /api/
        return problems.handle(request, error)
    return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"Allow": refused.headers["Allow"]})


def _is_djangos_own(response: HttpResponseBase) -> bool:
    if response.status_code < problems.FIRST_PROBLEM:
        return False
    return not response.headers.get("Content-Type", "").startswith(problems.CONTENT_TYPE)


def _problem(request: HttpRequest, response: HttpResponseBase) -> Problem:
    match response.status_code:
        case HTTPStatus.NOT_FOUND:
            remedy = problem_kinds.NO_SUCH_ADDRESS.remedy
            return Problem(problem_kinds.NO_SUCH_ADDRESS, f"{request.path} is not an address of this API. {remedy}")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            supported = response.headers.get("Allow", "")
            detail = f"{request.path} does not support {request.method}. It supports {supported}."
            return Problem(problem_kinds.METHOD_NOT_ALLOWED, detail)
        case HTTPStatus.BAD_REQUEST:
            return Problem(problem_kinds.BAD_REQUEST)
        case status if status < problems.SERVER_ERROR_STATUS:
            return problems.of_status(status)
        case _:
            return Problem(problem_kinds.INTERNAL_ERROR)
