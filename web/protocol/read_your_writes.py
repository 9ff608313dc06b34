"""Lets a query wait until what it reads has reached a position, without taking the server's threads for itself."""

import re
import time
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Final

from django.conf import settings
from django.db import connections
from django.http import HttpRequest

from web.protocol import problem_kinds, response_headers
from web.protocol.problems import Problem
from web.protocol.query_parameters import in_header

MIN_POSITION: Final = "Ledger-Min-Position"
_LONGEST_S: Final = 10
_WAIT: Final = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?([0-9]{1,9})(?![0-9])', re.IGNORECASE)
_SHORTEST_NAP_S: Final = 0.005
_LONGEST_NAP_S: Final = 0.1

# Those who wait and those who stream hold a thread each; together never more than a quarter of them, and so none
# where there are fewer than four.
patient: Final = BoundedSemaphore(settings.WEB_THREADS // 4)


def reached(request: HttpRequest, reflected: Callable[[], int], at_least: int = 0) -> int:
    """Return the position that is reflected, which is at least what is asked for; raises Problem.

    The answer tells it, and so does a problem that is raised here or later.
    """
    wanted, seconds = max(in_header(request, MIN_POSITION), at_least), _seconds(request)
    position = reflected()
    if position < wanted and seconds and patient.acquire(blocking=False):
        try:
            position = _wait(wanted, reflected, time.monotonic() + seconds)
        finally:
            patient.release()
        response_headers.note(request, "Preference-Applied", f"wait={seconds}")
    response_headers.reflects(request, position)
    if position < wanted:
        raise _not_yet(wanted, position)
    return position


def _wait(wanted: int, reflected: Callable[[], int], until: float) -> int:
    # Asleep it holds no lock and no transaction, only the connection that its thread has anyway.
    nap = _SHORTEST_NAP_S
    while True:
        time.sleep(max(min(nap, until - time.monotonic()), 0))
        nap = min(nap * 1.5, _LONGEST_NAP_S)
        position = reflected()
        if position >= wanted or time.monotonic() >= until:
            return position
        for connection in connections.all(initialized_only=True):
            connection.queries_log.clear()


def _not_yet(wanted: int, position: int) -> Problem:
    return Problem(
        problem_kinds.NOT_REACHED,
        f"Position {wanted} is not reached yet; this is at {position}. {problem_kinds.NOT_REACHED.remedy}",
        {"wanted": wanted, "position": position},
        headers={"Retry-After": "1"},
    )


def _seconds(request: HttpRequest) -> int:
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(found[1]), _LONGEST_S) if found else 0
