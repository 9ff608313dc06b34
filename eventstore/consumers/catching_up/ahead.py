"""Makes the next chunk of a large answer while the database appends the chunk before it.

# Note [A chunk is made while the one before it is appended]
A process works out events and then waits while the server inserts them, so that each of them idles for half of the
time. The next chunk therefore reads what it needs before the append is sent, and is worked out while the answer is
awaited, part by part, in the same thread. It is used only if the locked row has the progress that it was made for. In
every other case it is dropped and made again within its own transaction, which also raises what was wrong with it. So
that transaction alone decides what is recorded. Only an error of the database ends the transaction of the chunk before,
because no statement can follow it there.

A second thread gained nothing. Python lets another thread run only every 5 ms, so the first one waits up to so long
after each answer of the server.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.db import Error

from eventstore.consumers.definitions import Chunk, ChunkInParts
from eventstore.log.append_call import Rows
from eventstore.records import RecordedEvent

ReactInParts = Callable[[RecordedEvent, Any | None, int], ChunkInParts | None]
Prepare = Callable[[RecordedEvent, Chunk], Rows | None]


class MadeChunk(NamedTuple):
    """A chunk, what is appended for it, and how many things it covers at most."""

    chunk: Chunk
    rows: Rows | None
    covers: int


class _Making:
    """Makes one chunk, which follows from an event and a progress. `made` is None until the chunk is complete."""

    def __init__(self, event: RecordedEvent, progress: Any, limit: int) -> None:
        self.made_for, self.limit = (event.position, progress), limit
        self.made: MadeChunk | None = None

    def parts(self, event: RecordedEvent, chunk_in_parts: ChunkInParts, prepare: Prepare) -> Iterator[None]:
        """Make it, and prepare its append in a part of its own."""
        chunk = yield from chunk_in_parts
        yield
        self.made = MadeChunk(chunk, prepare(event, chunk), self.limit)


class Ahead:
    """Makes one chunk at a time. See Note [A chunk is made while the one before it is appended]."""

    def __init__(self, react_in_parts: ReactInParts, prepare: Prepare) -> None:
        self._react_in_parts, self._prepare = react_in_parts, prepare
        self._making: _Making | None = None
        self._parts: Iterator[None] = iter(())

    def begin(self, event: RecordedEvent, progress: Any, limit: int) -> None:
        """Read what the chunk that follows a progress needs, if it can be made ahead; raises errors of the database."""
        self.drop()
        try:
            chunk_in_parts = self._react_in_parts(event, progress, limit)
            if chunk_in_parts is not None:
                self._making = _Making(event, progress, limit)
                self._parts = self._making.parts(event, chunk_in_parts, self._prepare)
                next(self._parts)
        except Error:
            raise
        except Exception:  # noqa: BLE001 - the transaction of this chunk makes it again, and raises it
            self.drop()

    def work(self) -> Iterator[None]:
        """Make the chunk without the database, a part at each step."""
        try:
            for _ in self._parts:  # not `yield from`, which would end the parts together with this
                yield
        except Exception:  # noqa: BLE001 - the transaction makes the chunk again, and raises it
            self.drop()

    def take(self, event: RecordedEvent, progress: Any | None) -> MadeChunk | None:
        """Return the chunk that was made for exactly this; None if there is none."""
        making = self._making
        if making is None or making.made_for != (event.position, progress):
            self.drop()
            return None
        deque(self.work(), maxlen=0)
        self.drop()
        return making.made

    def drop(self) -> None:
        """Forget the chunk."""
        self._making, self._parts = None, iter(())
