"""What a consumer is: a projector keeps a read model, a process manager answers events, a relay hands them on."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db.models import Model

from eventstore.records import NewEvent, RecordedEvent


class EventRefused(Exception):
    """A handler raises it to stop at an event that it cannot take. The message says all, so no traceback is logged."""


class Projector(ABC):
    """A projector keeps a read model: rows of tables that nobody else writes.

    Each of its `tables` has a `generation`, which leads its unique key. The checkpoint row names the generation that
    answers queries; a rebuild writes another beside it. All members of a group have the same
    generation number, so a dependent reads the other members' rows of the generation that it writes.
    """

    name: ClassVar[str]
    types: ClassVar[tuple[str, ...]]
    depends_on: ClassVar[tuple[str, ...]] = ()
    tables: ClassVar[tuple[type[Model], ...]]

    @abstractmethod
    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Write the events to rows of a generation: at least one event, only of `types`, in order.

        It runs in the transaction that moves the checkpoint, on the database alias `using`. An error that it raises
        stops the projector.
        """


class SetProjector(Projector):
    """A projector that can project a whole range of the log by statements; `project` stays the definition.

    See Note [Ranges are projected in sets].
    """

    @abstractmethod
    def project_range(self, after: int, up_to: int, generation: int, using: str) -> None:
        """Do to the rows what `project` does with the events of `types` above `after` and at or below `up_to`.

        It raises an error if `project` would, and may raise one for any other reason: then `project` is asked.
        """


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of the answer to one event: the events to append, and the progress within the answer after it.

    `progress` is JSON, and None once the answer is complete; `expected` is as for `append`.
    """

    events: Sequence[NewEvent]
    progress: Any | None = None
    expected: Mapping[str, int] = field(default_factory=dict)


ChunkInParts = Generator[None, None, Chunk]
"""A chunk that is made in parts: it reads what it needs before its first `yield`, and nothing after it."""


class ProcessManager(ABC):
    """A process manager answers events with new events; a large answer comes in chunks.

    It answers events of `types`. Before it handles an event, the projectors in `depends_on` have reached that event.
    """

    name: ClassVar[str]
    types: ClassVar[tuple[str, ...]]
    depends_on: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def react(self, event: RecordedEvent, progress: Any | None, limit: int) -> Chunk:
        """Return the next chunk of the answer to an event, which covers at most `limit` things.

        `progress` is what the previous chunk returned, None for the first chunk. It runs in the transaction that
        moves the checkpoint, on the database of the events. An error that it raises stops the process manager.
        """

    def react_in_parts(self, event: RecordedEvent, progress: Any | None, limit: int) -> ChunkInParts | None:  # noqa: ARG002 - most chunks depend on more
        """Return the same chunk in parts if it follows from event and progress alone, whatever is recorded later.

        Then the parts of the next chunk are made while the database appends one.
        """
        return None


class Relay(ABC):
    """A relay hands events on to another system: each at least once, in order, with its position as its id.

    It hands on events of `types`, or of every type. A new one begins at position 1, or at the head if `begins_at_head`.
    """

    name: ClassVar[str]
    types: ClassVar[tuple[str, ...] | None] = None
    begins_at_head: ClassVar[bool] = False

    @abstractmethod
    def hand_on(self, events: Sequence[RecordedEvent]) -> None:
        """Hand on at least one event, in order, and return once the receiver has all of them for good.

        The events are durable. It runs outside of any transaction, for a few seconds at most. After a crash the same
        events come again. It raises ReceiverAway if the receiver is to be waited for; every other error stops the relay
        at the first event that alone raises it.
        """

    def work_beside(self, up_to: int) -> bool:  # noqa: ARG002 - most relays have nothing to do
        """Do what is due besides, such as a retry, and return whether something was done.

        It is called at every step, unless the relay is paused or stopped. The events up to a position were checked and
        handed on; no other may leave the house.
        """
        return False

    def differences(self) -> Sequence[str]:
        """Say what the receiver holds and the log does not, each in a line; nothing if that cannot be asked.

        `manage.py recover` shows it, after a store went back. It raises ReceiverAway.
        """
        return ()

    def close(self) -> None:  # noqa: B027 - most relays hold nothing
        """Free what it holds, such as connections."""
