"""How much to do in one transaction, and how fast it goes."""

import time
from typing import Final

TARGET_SECONDS: Final = 0.1
"""For about how long at most a transaction of a consumer holds its locks."""


class Pace:
    """A limit that follows the time which the work takes: shrinking where it is too long, else growing."""

    def __init__(self, start: int, most: int) -> None:
        self.limit, self._most = min(start, most), most

    def took(self, seconds: float, done: int) -> None:
        """Learn from a transaction that worked on `done` things."""
        if seconds > TARGET_SECONDS:
            self.limit = max(1, min(self.limit, int(done * TARGET_SECONDS / seconds * 0.8)))
        elif seconds < TARGET_SECONDS / 2 and done >= self.limit:
            self.limit = min(self._most, self.limit * 2)


class Meter:
    """Events a second, lately."""

    _WINDOW_SECONDS: Final = 5.0

    def __init__(self) -> None:
        self._since, self._count, self.rate = time.monotonic(), 0, 0.0

    def add(self, events: int) -> float:
        """Count what was done and return the rate."""
        self._count += events
        elapsed = time.monotonic() - self._since
        lately = self._count / max(elapsed, 0.001)
        self.rate = lately if self.rate == 0.0 else self.rate + (lately - self.rate) * min(1, elapsed)
        if elapsed > self._WINDOW_SECONDS:
            self._since, self._count = time.monotonic(), 0
        return round(self.rate, 1)

    def rest(self) -> None:
        """Begin anew after a time with nothing to do."""
        self._since, self._count, self.rate = time.monotonic(), 0, 0.0
