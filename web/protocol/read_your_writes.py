"""Lets a query wait until its read model has reached a position, on a bounded number of threads.

See Note [Long requests hold slots].
"""

import re
import time
from collections.abc import Callable
from typing import Final

from django.db import connections
from django.http import HttpRequest

from web.protocol import problem_kinds, response_headers
from web.protocol.problems import Problem
from web.protocol.query_parameters import header, position_in_header
from web.slots import SlotKind, need_slot_to_wait, slots

MIN_POSITION: Final = "Ledger-Min-Position"
_MAX_WAIT_S: Final = 10
_WAIT: Final = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?([0-9]{1,9})(?![0-9])', re.IGNORECASE)
_MIN_SLEEP_S: Final = 0.005
_MAX_SLEEP_S: Final = 0.1


def wait_for_position(request: HttpRequest, reflected: Callable[[], int], at_least: int = 0) -> int:
    """Return the position that the read model reflects, once it has the one asked for; raises Problem if it has not.

    The position is set as a header of the response, also of a problem that is raised here or later.
    """
    wanted, seconds = max(position_in_header(request, MIN_POSITION), at_least), _seconds_to_wait(request)
    position = reflected()
    response_headers.set_position(request, position)
    # With few threads nothing waits, so that a wait would be refused for good.
    if position < wanted and seconds and slots.share(SlotKind.WAITING):
        with need_slot_to_wait(request, seconds):
            position = _wait(wanted, reflected, time.monotonic() + seconds)
        response_headers.set_header(request, "Preference-Applied", f"wait={seconds}")
        response_headers.set_position(request, position)
    if position < wanted:
        raise _not_reached(wanted, position)
    return position


def _wait(wanted: int, reflected: Callable[[], int], until: float) -> int:
    # While it sleeps it holds no lock and no transaction, only the connection that its thread keeps anyway.
    pause = _MIN_SLEEP_S
    while True:
        time.sleep(max(min(pause, until - time.monotonic()), 0))
        pause = min(pause * 1.5, _MAX_SLEEP_S)
        position = reflected()
        if position >= wanted or time.monotonic() >= until:
            return position
        for connection in connections.all(initialized_only=True):
            connection.queries_log.clear()


def _not_reached(wanted: int, position: int) -> Problem:
    return Problem(
        problem_kinds.NOT_REACHED,
        f"This is at position {position}, not yet at {wanted}. {problem_kinds.NOT_REACHED.remedy}",
        {"wanted": wanted, "position": position},
        headers={"Retry-After": "1"},
    )


def _seconds_to_wait(request: HttpRequest) -> int:
    found = _WAIT.search(header(request, "Prefer") or "")
    return min(int(found[1]), _MAX_WAIT_S) if found else 0
