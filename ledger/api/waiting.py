"""Lets a query wait until what it reads has reached a position, without taking the server's threads for itself."""

import re
import time
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Final

from django.conf import settings
from django.db import connections
from django.http import HttpRequest

from ledger.api import kinds
from ledger.api.problems import Fault, Problem, invalid

MIN_POSITION: Final = "Ledger-Min-Position"
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*([0-9]{1,4})(?![0-9])")
_LONGEST_S: Final = 10
_LOOK_EVERY_S: Final = 0.05
_GREATEST: Final = 2**63 - 1

# Those who wait and those who stream hold a thread each; together never more than a quarter of them.
patient: Final = BoundedSemaphore(max(1, settings.WEB_THREADS // 4))


def reached(request: HttpRequest, reflected: Callable[[], int]) -> int:
    """Return the position that is reflected, which is at least what the request asks for; raises Problem."""
    wanted, position = _wanted(request), reflected()
    if position >= wanted:
        return position
    seconds = _seconds(request)
    if not seconds or not patient.acquire(blocking=False):
        raise _not_yet(wanted, position)
    try:
        return _wait(wanted, reflected, time.monotonic() + seconds)
    finally:
        patient.release()


def _wait(wanted: int, reflected: Callable[[], int], until: float) -> int:
    while True:
        time.sleep(_LOOK_EVERY_S)
        position = reflected()
        if position >= wanted:
            return position
        if time.monotonic() >= until:
            raise _not_yet(wanted, position)
        for connection in connections.all(initialized_only=True):
            connection.queries_log.clear()


def _not_yet(wanted: int, position: int) -> Problem:
    return Problem(
        kinds.NOT_REACHED,
        f"Position {wanted} is not reached yet; this is at {position}. {kinds.NOT_REACHED.remedy}",
        {"wanted": wanted, "position": position},
        headers={"Retry-After": "1"},
    )


def _wanted(request: HttpRequest) -> int:
    given = request.headers.get(MIN_POSITION)
    if given is None:
        return 0
    if not (given.isascii() and given.isdecimal()) or len(given) > len(str(_GREATEST)) or int(given) > _GREATEST:
        raise invalid(Fault("", f"the header {MIN_POSITION} is not a position"))
    return int(given)


def _seconds(request: HttpRequest) -> int:
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(found[1]), _LONGEST_S) if found else 0
