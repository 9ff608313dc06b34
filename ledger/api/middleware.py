"""Makes every answer under /api/ that says no a problem, also where Django says it, before or after the views."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ledger.api import problems
from ledger.api.problems import Problem

_UNDER: Final = "/api/"


class ProblemMiddleware:
    """Stands first, so that nothing answers past it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, in the form that clients of the API can rely on."""
        response = self._get_response(request)
        if not request.path_info.startswith(_UNDER) or not _is_djangos_own(response):
            return response
        told = _problem(request, response.status_code).response()
        for name in ("Allow", "Ledger-Position"):
            if name in response.headers:
                told[name] = response.headers[name]
        return told


def _is_djangos_own(response: HttpResponseBase) -> bool:
    if response.status_code < problems.FIRST_PROBLEM:
        return False
    return not response.headers.get("Content-Type", "").startswith(problems.CONTENT_TYPE)


def _problem(request: HttpRequest, status: int) -> Problem:
    match status:
        case HTTPStatus.NOT_FOUND:
            return Problem(
                status,
                "no-such-address",
                "There is no such address",
                f"/api/docs tells those that there are; {request.path} is none",
            )
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return Problem(
                status,
                "method-not-allowed",
                "This address does not take that method",
                f"{request.path} takes what the header Allow says, not {request.method}",
            )
        case HTTPStatus.BAD_REQUEST:
            return Problem(
                status,
                "bad-request",
                "The request cannot be read",
                "its host name, its headers or its address are not ones that this server takes",
            )
        case _ if status < problems.INTERNAL_ERROR:
            return Problem(status, "refused", HTTPStatus(status).phrase)
        case _:
            return problems.of(Exception())
