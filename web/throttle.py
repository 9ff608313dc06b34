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
class Throttle:
    """Allows each client so many requests in a minute, at once or spread over it.

    A client is any text, such as an address. See Note [An allowance is one number].
    """

    name: str
    per_minute: Callable[[], int]

    def wait(self, client: str) -> int:
        """Return the seconds until the client may ask again, 0 for now; this counts nothing."""
        used_until = Allowance.objects.filter(asker=self._key(client)).values_list("used_until", flat=True).first()
        return 0 if used_until is None else self._beyond(used_until, utc_now().timestamp())

    def spend(self, client: str) -> int:
        """Count a request and return 0, or return the seconds until it may be sent again.

        See Note [An allowance is one number].
        """
        if seconds := self.wait(client):
            return seconds
        now = utc_now().timestamp()
        _delete_expired(now)
        with connection.cursor() as cursor:
            cursor.execute(_SPEND, {"asker": self._key(client), "now": now, "cost": self._cost(1)})
            # No row is returned if concurrent requests have just used up the allowance.
            return 0 if cursor.fetchall() else self._beyond(now + _WINDOW_S, now)

    def failed(self, client: str) -> None:
        """Count a request that was allowed but failed as FAILED requests in total."""
        now, cost = utc_now().timestamp(), self._cost(FAILED - 1)
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, {"asker": self._key(client), "now": now, "cost": cost})

    def _beyond(self, used_until: float, now: float) -> int:
        """Return the whole seconds by which one more request would exceed the minute."""
        return max(0, math.ceil(used_until + self._cost(1) - now - _WINDOW_S))

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
