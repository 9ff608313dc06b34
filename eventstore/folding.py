"""Folds events into states.

# Note [A reader remembers its last event]
An event can be read a moment before it is durable. After a crash, or after an older database is restored, its position
and version are given to another event. A reader that remembers how far it has read therefore remembers the position
and `recorded_at` of its last event, and its next read begins with that event. If the event is no longer the same, the
reader discards everything that it has derived from the log and begins again.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Generic, TypeVar

from eventstore.records import RecordedEvent

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Loaded(Generic[State]):
    """A state and the last event that it was folded from; version and position are 0 if there is none."""

    state: State
    version: int = 0
    position: int = 0
    recorded_at: datetime | None = None

    def with_state(self, state: State) -> "Loaded[State]":
        """Return it with another state."""
        return Loaded(state, self.version, self.position, self.recorded_at)

    def ends_with(self, event: RecordedEvent) -> bool:
        """Say whether an event is the last one that this state was folded from."""
        return (event.version, event.position, event.recorded_at) == (self.version, self.position, self.recorded_at)


@dataclass(frozen=True, slots=True)
class Fold(Generic[State]):
    """How a state is made of events: the initial state, and the function that applies an event to a state."""

    initial: Callable[[], State]
    evolve: Callable[[State, RecordedEvent], State]

    def of(self, events: Iterable[RecordedEvent]) -> Loaded[State]:
        """Return the state made of these events alone."""
        return self.onto(Loaded(self.initial()), events)

    def up_to_date(
        self, known: Loaded[State], read_from: Callable[[Loaded[State]], Iterator[RecordedEvent]]
    ) -> Loaded[State]:
        """Return `known` with the events since then; fold from the beginning if the log no longer has its last event.

        `read_from` yields the events that begin with the last one of a state.
        """
        # See Note [A reader remembers its last event]
        events = read_from(known)
        if known.position:
            last = next(events, None)
            if last is None or not known.ends_with(last):
                return self.of(read_from(Loaded(self.initial())))
        return self.onto(known, events)

    def steps(self, known: Loaded[State], events: Iterator[RecordedEvent], every: int) -> Iterator[Loaded[State]]:
        """Yield the state after every `every` events, and the last state."""
        while True:
            loaded = self.onto(known, islice(events, every))
            yield loaded
            if loaded.version < known.version + every:
                return
            known = loaded

    def onto(self, loaded: Loaded[State], events: Iterable[RecordedEvent]) -> Loaded[State]:
        """Return a state with further events applied."""
        state, last = loaded.state, None
        for event in events:
            state, last = self.evolve(state, event), event
        return loaded if last is None else Loaded(state, last.version, last.position, last.recorded_at)
