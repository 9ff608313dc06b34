"""The threads that requests may hold for long: a quarter of all, and half of those for any one client.

# Note [Long requests hold slots]
A request that streams, waits for a read model or folds much of the past holds a thread for long, also while a file is
sent, such as a CSV of Books. Each of them holds a
slot, so that three quarters of the threads are always left for requests of milliseconds. With fewer than four threads
nothing streams or waits, and one request at a time folds much. No client holds more than half of the slots for either
kind, rounded up, so that none keeps all others out. If there are four slots or more, one is kept for folding.
"""

import math
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from threading import Lock
from typing import Any, Final, Self

from django.conf import settings
from django.http import HttpRequest

from web.protocol import problem_kinds, response_headers
from web.protocol.authentication import actor_id
from web.protocol.problems import Problem

_ENOUGH_TO_LEAVE_ONE: Final = 4
_BUSY_S: Final = 5
"""When to come back if others hold all slots: it is not known when one of them ends."""

_HEADERS: Final = {
    "RateLimit-Limit": "How many streams and other long requests the client may have open at once.",
    "RateLimit-Remaining": "How many more it may open now.",
    "RateLimit-Reset": "In how many seconds at most one of them ends; 0 if none is open.",
}
RATE_LIMIT_HEADERS: Final = {
    name: {"description": text, "schema": {"type": "string", "pattern": "^[0-9]+$"}} for name, text in _HEADERS.items()
}
TOO_MANY: Final = {
    "description": "Too Many Requests",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ProblemSchema"}}},
    "headers": RATE_LIMIT_HEADERS,
}
"""What the OpenAPI document has of an operation that needs a slot."""


class SlotKind(Enum):
    """What a slot is held for."""

    WAITING = auto()
    FOLDING = auto()


@dataclass(eq=False, slots=True)
class Slot:
    """A slot of a client. It is given back without a lock, because the garbage collector may do it at any moment."""

    client: int
    kind: SlotKind
    ends_at: float
    is_held: bool = True

    def give_back(self) -> None:
        """End the use of the slot."""
        self.is_held = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.give_back()


class Held:
    """The content of a streamed answer; it holds a slot until it is sent, closed or garbage-collected."""

    def __init__(self, content: Iterator[Any], slot: Slot) -> None:
        self._content = content
        self._give_back = weakref.finalize(self, slot.give_back)

    def __iter__(self) -> Iterator[Any]:
        yield from self._content
        self._give_back()

    def close(self) -> None:
        """End it; the server calls this even if the client is gone."""
        close = getattr(self._content, "close", None)
        if close is not None:
            close()
        self._give_back()


class Slots:
    """The slots of this process."""

    def __init__(self, total: int) -> None:
        self._most = {SlotKind.WAITING: total - (total >= _ENOUGH_TO_LEAVE_ONE), SlotKind.FOLDING: max(1, total)}
        self._share = {SlotKind.WAITING: math.ceil(total / 2), SlotKind.FOLDING: max(1, math.ceil(total / 2))}
        self._taken: list[Slot] = []
        self._lock = Lock()

    def take(self, client: int, seconds: float, kind: SlotKind = SlotKind.WAITING) -> Slot | None:
        """Take a slot for at most so many seconds; return None if the client has its share or all are held."""
        with self._lock:
            held = [slot for slot in self._taken if slot.is_held]
            of_kind = [slot for slot in held if slot.kind is kind]
            is_full = len(held) >= self._most[SlotKind.FOLDING] or len(of_kind) >= self._most[kind]
            if is_full or sum(slot.client == client for slot in of_kind) >= self._share[kind]:
                return None
            taken = Slot(client, kind, time.monotonic() + seconds)
            self._taken = [*held, taken]
            return taken

    def share(self, kind: SlotKind) -> int:
        """Return how many slots one client may hold."""
        return self._share[kind]

    def left(self, client: int, kind: SlotKind) -> int:
        """Return how many more slots the client may hold, if others leave them."""
        return self._share[kind] - len(self._held_by(client, kind))

    def seconds_until_next(self, client: int, kind: SlotKind) -> int:
        """Return in how many seconds at most the client gives back its next slot; 0 if it holds none."""
        ends = [slot.ends_at for slot in self._held_by(client, kind)]
        return max(1, math.ceil(min(ends) - time.monotonic())) if ends else 0

    def _held_by(self, client: int, kind: SlotKind) -> list[Slot]:
        return [slot for slot in self._taken if slot.is_held and slot.client == client and slot.kind is kind]


slots: Final = Slots(settings.WEB_THREADS // 4)


def take_slot(request: HttpRequest, seconds: float, kind: SlotKind = SlotKind.WAITING) -> Slot | None:
    """Take a slot for the request's client, and set how many it has left as headers of the response."""
    client = actor_id(request)
    taken = slots.take(client, seconds, kind)
    values = (slots.share(kind), slots.left(client, kind), slots.seconds_until_next(client, kind))
    for name, value in zip(_HEADERS, values, strict=True):
        response_headers.set_header(request, name, str(value))
    return taken


def need_slot(request: HttpRequest, seconds: float, kind: SlotKind = SlotKind.WAITING) -> Slot:
    """Take a slot for the request's client; raises Problem: 429 if the client holds its share, else 503."""
    taken = take_slot(request, seconds, kind)
    if taken is not None:
        return taken
    raise _no_slot(request, kind, Problem(problem_kinds.TOO_MANY_STREAMS, headers={"Retry-After": str(_BUSY_S)}))


def need_slot_to_wait(request: HttpRequest, seconds: float) -> Slot:
    """Take a slot to wait for a read model; raises Problem: 429 if the client holds its share, or others hold all."""
    taken = take_slot(request, seconds)
    if taken is not None:
        return taken
    detail = f"As many requests wait as this server lets wait at once. Try again in {_BUSY_S} s, or do not wait."
    raise _no_slot(
        request,
        SlotKind.WAITING,
        Problem(problem_kinds.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(_BUSY_S)}),
    )


def _no_slot(request: HttpRequest, kind: SlotKind, others_hold_all: Problem) -> Problem:
    """Return the problem of a request that finds no slot: 429 if its own client holds its share."""
    client, share = actor_id(request), slots.share(kind)
    if share and not slots.left(client, kind):
        wait = slots.seconds_until_next(client, kind)
        detail = (
            f"This client has {share} such request{'s' * (share > 1)} under way, as many as it may have at once."
            f" Try again in {wait} s, or end one of them."
        )
        return Problem(problem_kinds.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(wait)})
    return others_hold_all
