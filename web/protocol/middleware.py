"""Converts every error under /api/ to problem+json, Django's own errors included."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from web.protocol import problem_kinds, problems
from web.protocol.problems import Problem

_PREFIX: Final = "/api/"


class ProblemMiddleware:
    """Runs outside everything that may answer a request, and inside what adds headers to every response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response, as problem+json if it is an error."""
        response = self._get_response(request)
        if not request.path_info.startswith(_PREFIX) or not _is_djangos_own(response):
            return response
        problem = _problem(request, response.status_code).response()
        for name in ("Allow", "Ledger-Position"):
            if name in response.headers:
                problem[name] = response.headers[name]
        return problem


def _is_djangos_own(response: HttpResponseBase) -> bool:
    if response.status_code < problems.FIRST_PROBLEM:
        return False
    return not response.headers.get("Content-Type", "").startswith(problems.CONTENT_TYPE)


def _problem(request: HttpRequest, status: int) -> Problem:
    match status:
        case HTTPStatus.NOT_FOUND:
            remedy = problem_kinds.NO_SUCH_ADDRESS.remedy
            return Problem(problem_kinds.NO_SUCH_ADDRESS, f"{request.path} is not an address of this API. {remedy}")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            detail = (
                f"{request.path} does not support {request.method}. The header Allow lists the methods it supports."
            )
            return Problem(problem_kinds.METHOD_NOT_ALLOWED, detail)
        case HTTPStatus.BAD_REQUEST:
            return Problem(problem_kinds.BAD_REQUEST)
        case _ if status < problems.INTERNAL_ERROR:
            return problems.of_status(status)
        case _:
            return Problem(problem_kinds.INTERNAL_ERROR)
