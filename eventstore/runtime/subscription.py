"""The log as an endless iterator: it yields the events that are there, then each one as it is appended."""

from collections import deque
from collections.abc import Iterator, Sequence
from threading import Lock
from types import TracebackType
from typing import Final, Self

from eventstore.log.durability import durable_head
from eventstore.log.reads import read_all
from eventstore.records import RecordedEvent
from eventstore.runtime.head_watcher import head_watcher

_BATCH: Final = 500
_LOOK_EVERY_S: Final = 10.0
"""The head watcher ends the sleep at an append. This long a sleep ends by itself, in case the watcher has died."""


class Subscription(Iterator[RecordedEvent]):
    """Yields events in order of position until it is closed. Several threads may share it: each event comes once."""

    def __init__(self, after: int, types: Sequence[str] | None) -> None:
        self._after = after
        self._types = types
        self._events: deque[RecordedEvent] = deque()
        self._reading = Lock()
        self._closed = types is not None and not types

    def __next__(self) -> RecordedEvent:
        """Return the next event, or sleep until it is appended; StopIteration once closed."""
        with self._reading:
            while not self._closed:
                if self._events:
                    return self._events.popleft()
                self._read()
                if not self._events:
                    head_watcher.wait_beyond(self._after, _LOOK_EVERY_S, lambda: self._closed)
        raise StopIteration

    def _read(self) -> None:
        # The head is read first. See Note [Positions become visible in order].
        newest = max(durable_head(), self._after)
        found = list(read_all(after=self._after, up_to=newest, types=self._types, limit=_BATCH))
        self._events.extend(found)
        self._after = found[-1].position if len(found) == _BATCH else newest

    def close(self) -> None:
        """End it, also in a thread that sleeps in it."""
        self._closed = True
        head_watcher.wake_all()

    def __enter__(self) -> Self:
        """Return itself, to be closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
