"""Limit how often a client may ask, by an allowance in the database that all processes share.

# Note [An allowance is one number]
The allowance is the moment until which it is used up. Each request moves that moment forward by its cost. A request
that would move it more than a minute ahead of now is refused. One statement moves it, so concurrent requests in any
number of processes spend exactly what is there. A refusal only reads: a flood of refused requests takes no lock and
writes nothing.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from django.db import connection

from eventstore.clock import utc_now
from web.models import Allowance

FAILED: Final = 6
"""A request that failed counts as this many."""
_WINDOW_S: Final = 60
_CLEAN_EVERY_S: Final = 600
_LATER: Final = "CASE WHEN web_allowance.used_until > %(now)s THEN web_allowance.used_until ELSE %(now)s END"
_INSERT: Final = "INSERT INTO web_allowance (asker, used_until) VALUES (%(asker)s, %(now)s + %(cost)s)"
_MOVE: Final = f"{_INSERT} ON CONFLICT (asker) DO UPDATE SET used_until = {_LATER} + %(cost)s"
_SPEND: Final = f"{_MOVE} WHERE {_LATER} + %(cost)s <= %(now)s + {_WINDOW_S} RETURNING used_until"


@dataclass(frozen=True, slots=True)
class Budget:
    """What a client has left of an allowance."""

    limit: int
    remaining: int
    reset_s: int
    """Seconds until the whole allowance is there again."""
    retry_after_s: int
    """Seconds until the next request is accepted; 0 if it is accepted now."""

    def headers(self) -> dict[str, str]:
        """Return the RateLimit headers, and Retry-After if the request is refused."""
        headers = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_s),
        }
        return headers | ({"Retry-After": str(self.retry_after_s)} if self.retry_after_s else {})


@dataclass(frozen=True, slots=True)
class Throttle:
    """Allows each client so many requests in a minute, at once or spread over it; a client is any text."""

    name: str
    per_minute: Callable[[], int]

    def look(self, client: str) -> Budget:
        """Return what the client has left; this counts nothing."""
        used_until = Allowance.objects.filter(asker=self._key(client)).values_list("used_until", flat=True).first()
        now = utc_now().timestamp()
        return self._budget(now if used_until is None else used_until, now)

    def spend(self, client: str) -> Budget:
        """Count a request unless it is refused; return what is left after it. See Note [An allowance is one number]."""
        budget = self.look(client)
        if budget.retry_after_s:
            return budget
        now = utc_now().timestamp()
        _delete_expired(now)
        with connection.cursor() as cursor:
            cursor.execute(_SPEND, {"asker": self._key(client), "now": now, "cost": self._cost(1)})
            # No row is returned if concurrent requests have just used up the allowance.
            row = cursor.fetchone()
        if row is None:
            return self._budget(now + _WINDOW_S, now)
        left = self._budget(row[0], now)
        return Budget(left.limit, left.remaining, left.reset_s, 0)

    def failed(self, client: str) -> None:
        """Count a request that was allowed but failed as FAILED requests in total."""
        now, cost = utc_now().timestamp(), self._cost(FAILED - 1)
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, {"asker": self._key(client), "now": now, "cost": cost})

    def _budget(self, used_until: float, now: float) -> Budget:
        used = max(0.0, used_until - now)
        # The last digits of a moment are lost in a float, so a thousandth of a request is not counted.
        remaining = math.floor((_WINDOW_S - used) / self._cost(1) + 0.001)
        retry_after = max(0, math.ceil(used + self._cost(1) - _WINDOW_S))
        return Budget(self.per_minute(), max(0, remaining), math.ceil(used), retry_after)

    def _key(self, client: str) -> str:
        return f"{self.name}:{client}"

    def _cost(self, requests: int) -> float:
        return requests * _WINDOW_S / self.per_minute()


class _Cleaning:
    """Knows when this process should next delete rows that have no effect any more."""

    def __init__(self) -> None:
        self._lock, self._due = Lock(), 0.0

    def is_due(self) -> bool:
        """Return true to one thread every _CLEAN_EVERY_S."""
        with self._lock:
            due = time.monotonic() >= self._due
            if due:
                self._due = time.monotonic() + _CLEAN_EVERY_S
            return due


_cleaning: Final = _Cleaning()


def _delete_expired(now: float) -> None:
    if _cleaning.is_due():
        Allowance.objects.filter(used_until__lt=now).delete()
