"""Makes every answer under /api/ that says no a problem, also where Django says it, before or after the views."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from web.protocol import problem_kinds, problems
from web.protocol.problems import Problem

_UNDER: Final = "/api/"


class ProblemMiddleware:
    """Stands before whatever may answer, and within what adds headers to every answer."""

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
                problem_kinds.NO_SUCH_ADDRESS, f"{request.path} is no address. {problem_kinds.NO_SUCH_ADDRESS.remedy}"
            )
        case HTTPStatus.METHOD_NOT_ALLOWED:
            detail = f"{request.path} takes what the header Allow says, not {request.method}."
            return Problem(problem_kinds.METHOD_NOT_ALLOWED, detail)
        case HTTPStatus.BAD_REQUEST:
            return Problem(problem_kinds.BAD_REQUEST)
        case _ if status < problems.INTERNAL_ERROR:
            return problems.of_status(status)
        case _:
            return Problem(problem_kinds.INTERNAL_ERROR)
