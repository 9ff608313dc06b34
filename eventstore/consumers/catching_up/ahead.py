"""Makes the next chunk of a large answer in a thread, while the chunk before it is appended.

# Note [A chunk is made while the one before it is appended]
A process works out fees and then waits while the server inserts them, so that each of them idles for half of the time.
The next chunk therefore is made in a thread, with connections of its own. It is used only if the locked row has the
progress and the runner the limit that it was made for. In every other case it is dropped and made again within the
transaction, which also raises what the thread has raised. So the transaction alone decides what is recorded.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from eventstore.consumers.definitions import Chunk
from eventstore.records import RecordedEvent
from eventstore.runtime.connections import close_connections

WORTH_A_THREAD: Final = 500
"""A smaller chunk is made sooner than a thread has connected."""

React = Callable[[RecordedEvent, Any | None, int], Chunk]


class _Made(NamedTuple):
    """A chunk that is being made, and what for."""

    position: int
    progress: Any
    limit: int
    chunk: "Future[Chunk]"


class Ahead:
    """Makes one chunk at a time in advance."""

    def __init__(self, react: React) -> None:
        self._react = react
        self._thread: ThreadPoolExecutor | None = None
        self._made: _Made | None = None

    def begin(self, event: RecordedEvent, progress: Any, limit: int) -> None:
        """Begin to make the chunk that follows a progress, if that is worth it."""
        if limit < WORTH_A_THREAD:
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead")
        chunk = self._thread.submit(self._react, event, progress, limit)
        self._made = _Made(event.position, progress, limit, chunk)

    def take(self, event: RecordedEvent, progress: Any | None, limit: int) -> tuple[Chunk, int] | None:
        """Return the chunk that was made for exactly this, with its limit, once it is made; None if there is none."""
        made, self._made = self._made, None
        if made is None or (made.position, made.progress) != (event.position, progress) or made.limit > limit:
            return None
        return None if made.chunk.exception() is not None else (made.chunk.result(), made.limit)

    def close(self) -> None:
        """End the thread and close its connections."""
        thread, self._thread, self._made = self._thread, None, None
        if thread is not None:
            thread.submit(close_connections)
            thread.shutdown()
