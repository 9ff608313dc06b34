"""How much one transaction of a consumer handles, and how many events a second that makes."""

import time
from typing import Final

TARGET_SECONDS: Final = 0.1
"""A transaction of a consumer should hold its locks for about this long at most."""
_LEAST: Final = 100
"""The limit shrinks no further if a transaction was late only because the machine is busy."""
_MUCH_LONGER: Final = 10
"""A busy machine does not explain a transaction that takes so many times its target."""


class BatchSize:
    """A limit that shrinks after a transaction that took longer than its target and grows after a short one.

    The target is `times` TARGET_SECONDS.

    On a busy machine every transaction is long, however little it does, and small ones only make more work of the same.
    So the limit stays at _LEAST there.
    """

    def __init__(self, start: int, most: int, times: float = 1) -> None:
        self.limit, self._most, self._times = min(start, most), most, times

    def adapt(self, seconds: float, done: int) -> None:
        """Adapt to a transaction that handled `done` things in so many seconds."""
        target = TARGET_SECONDS * self._times
        if seconds > target:
            least = 1 if seconds > target * _MUCH_LONGER else _LEAST
            self.limit = min(self.limit, max(least, int(done * target / seconds * 0.8)))
        elif seconds < target / 2 and done >= self.limit:
            self.limit = min(self._most, self.limit * 2)


class Rate:
    """Events per second over the last few seconds."""

    _WINDOW_SECONDS: Final = 5.0

    def __init__(self) -> None:
        self._since, self._count, self.value = time.monotonic(), 0, 0.0

    def add(self, events: int) -> float:
        """Count handled events and return the new rate."""
        self._count += events
        elapsed = time.monotonic() - self._since
        lately = self._count / max(elapsed, 0.001)
        self.value = lately if self.value == 0.0 else self.value + (lately - self.value) * min(1, elapsed)
        if elapsed > self._WINDOW_SECONDS:
            self._since, self._count = time.monotonic(), 0
        return round(self.value, 1)

    def reset(self) -> None:
        """Start again at zero, after a time without events."""
        self._since, self._count, self.value = time.monotonic(), 0, 0.0


class Stopwatch:
    """Measures how long locks are held; start it once they are."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """The time since the start."""
        return time.monotonic() - self._started
