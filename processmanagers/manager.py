"""What all process managers share: a name, the events that they answer, and a way to answer them."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from eventstore.consumers import Chunk
from eventstore.records import RecordedEvent

__all__ = ["Chunk", "Manager"]


class Manager(ABC):
    """A process manager answers events with new events, in chunks where the answer is large.

    `types` are the events that it answers; `depends_on` are projectors that are at the event, or beyond, by then.
    """

    name: ClassVar[str]
    types: ClassVar[tuple[str, ...]]
    depends_on: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def react(self, event: RecordedEvent, progress: Any | None, limit: int) -> Chunk:  # noqa: ANN401 - JSON
        """Return the next chunk of the answer to an event, working on at most `limit` things.

        `progress` is what the chunk before returned, None at the event's start. It runs in the transaction that
        moves the checkpoint, on the database of the events; what it raises stops the process manager.
        """
