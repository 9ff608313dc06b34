"""How often somebody may ask: an allowance for each asker in the database, which all processes share.

# Note [An allowance is one number]
Each request moves the moment until which the asker's allowance is used up, by as much as the request costs; where that
would be more than a minute away, the request is refused. The number is moved by one statement, so that any number of
requests at once in any number of processes spend exactly what is there. A refusal only reads: a flood of requests that
are refused holds no lock and writes nothing.
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
"""As how many requests one counts that failed."""
_WINDOW_S: Final = 60
_CLEAN_EVERY_S: Final = 600
_LATER: Final = "CASE WHEN web_allowance.used_until > %(now)s THEN web_allowance.used_until ELSE %(now)s END"
_INSERT: Final = "INSERT INTO web_allowance (asker, used_until) VALUES (%(asker)s, %(now)s + %(cost)s)"
_MOVE: Final = f"{_INSERT} ON CONFLICT (asker) DO UPDATE SET used_until = {_LATER} + %(cost)s"
_SPEND: Final = f"{_MOVE} WHERE {_LATER} + %(cost)s <= %(now)s + {_WINDOW_S} RETURNING used_until"


@dataclass(frozen=True, slots=True)
class Throttle:
    """Allows each asker so many requests a minute, all at once or spread; more only as time passes."""

    name: str
    per_minute: Callable[[], int]

    def wait(self, asker: str) -> int:
        """Return 0, or after how many seconds the asker may ask again; nothing is counted yet."""
        used_until = Allowance.objects.filter(asker=self._key(asker)).values_list("used_until", flat=True).first()
        return 0 if used_until is None else self._beyond(used_until, utc_now().timestamp())

    def spend(self, asker: str) -> int:
        """Count a request and return 0, or return after how many seconds it may be sent again."""
        if seconds := self.wait(asker):
            return seconds
        now = utc_now().timestamp()
        _forget_the_past(now)
        with connection.cursor() as cursor:
            cursor.execute(_SPEND, {"asker": self._key(asker), "now": now, "cost": self._cost(1)})
            # Nothing is returned where others were quicker by a moment.
            return 0 if cursor.fetchall() else self._beyond(now + _WINDOW_S, now)

    def failed(self, asker: str) -> None:
        """Count a request that was let in, and failed, as several."""
        now, cost = utc_now().timestamp(), self._cost(FAILED - 1)
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, {"asker": self._key(asker), "now": now, "cost": cost})

    def _beyond(self, used_until: float, now: float) -> int:
        """By how many whole seconds one more request would be beyond the minute."""
        return max(0, math.ceil(used_until + self._cost(1) - now - _WINDOW_S))

    def _key(self, asker: str) -> str:
        return f"{self.name}:{asker}"

    def _cost(self, requests: int) -> float:
        return requests * _WINDOW_S / self.per_minute()


class _Cleaning:
    """When this process last deleted what means nothing any more."""

    def __init__(self) -> None:
        self._lock, self._due = Lock(), 0.0

    def is_due(self) -> bool:
        """Say, once in a while and to one thread, that it is time."""
        with self._lock:
            due = time.monotonic() >= self._due
            if due:
                self._due = time.monotonic() + _CLEAN_EVERY_S
            return due


_cleaning: Final = _Cleaning()


def _forget_the_past(now: float) -> None:
    if _cleaning.is_due():
        Allowance.objects.filter(used_until__lt=now).delete()
