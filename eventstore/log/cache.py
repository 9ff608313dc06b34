"""Aggregates kept in process, brought up to date from the store before each use.

# Note [A reader remembers its last event]
An event can be read a moment before it is durable; after a crash, or when an older database is restored, its position
and version are given to another event. So whoever remembers how far it has read remembers the position and
`recorded_at` of its last event, and its next read begins with that event. If it is no longer the same, everything that
was made of it is thrown away and made anew.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Generic, TypeVar
from uuid import UUID
from weakref import WeakSet

from django.db import connections

from eventstore.log.reads import read_stream
from eventstore.records import RecordedEvent, stream_id

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Loaded(Generic[State]):
    """A state and the last event that it was folded from; version and position are 0 where there is none."""

    state: State
    version: int = 0
    position: int = 0
    recorded_at: datetime | None = None

    def ends_with(self, event: RecordedEvent) -> bool:
        """Say whether an event is the very one that this state was folded from last."""
        return (event.version, event.position, event.recorded_at) == (self.version, self.position, self.recorded_at)


class AggregateCache(Generic[State]):
    """The aggregates of one category, least recently used out; safe in any number of threads.

    What is read inside a transaction is folded for that caller alone: it may see what is never committed, or not see
    what has been.
    """

    def __init__(
        self,
        category: str,
        initial: State,
        evolve: Callable[[State, Any], State],
        max_size: int,
        using: str = "default",
    ) -> None:
        self._category, self._initial, self._evolve = category, initial, evolve
        self._max_size, self._using = max_size, using
        self._kept: OrderedDict[UUID, Loaded[State]] = OrderedDict()
        self._lock = Lock()
        _caches.add(self)

    def load(self, uuid: UUID) -> Loaded[State]:
        """Return the aggregate as it is now, by one indexed read of what the cache has not yet seen."""
        known = self._get(uuid)
        loaded = self._brought_up_to_date(uuid, known)
        if loaded is None:
            # See Note [A reader remembers its last event]
            loaded = self._fold(self._empty(), read_stream(stream_id(self._category, uuid), using=self._using))
        if not connections[self._using].in_atomic_block:
            self._keep(uuid, known, loaded)
        return loaded

    def load_at(self, uuid: UUID, position: int) -> Loaded[State]:
        """Return the aggregate as of a position: events after it do not count."""
        events = read_stream(stream_id(self._category, uuid), up_to=position, using=self._using)
        return self._fold(self._empty(), events)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def _empty(self) -> Loaded[State]:
        return Loaded(self._initial)

    def _brought_up_to_date(self, uuid: UUID, known: Loaded[State]) -> Loaded[State] | None:
        events = read_stream(
            stream_id(self._category, uuid), after_version=max(known.version - 1, 0), using=self._using
        )
        if known.version:
            last = next(events, None)
            if last is None or not known.ends_with(last):
                return None
        return self._fold(known, events)

    def _fold(self, loaded: Loaded[State], events: Iterable[RecordedEvent]) -> Loaded[State]:
        state, last = loaded.state, None
        for event in events:
            state, last = self._evolve(state, event.data), event
        if last is None:
            return loaded
        return Loaded(state, last.version, last.position, last.recorded_at)

    def _get(self, uuid: UUID) -> Loaded[State]:
        with self._lock:
            known = self._kept.get(uuid)
            if known is None:
                return self._empty()
            self._kept.move_to_end(uuid)
            return known

    def _keep(self, uuid: UUID, known: Loaded[State], loaded: Loaded[State]) -> None:
        if not loaded.version:
            return
        with self._lock:
            current = self._kept.get(uuid)
            # Another thread may have read further meanwhile; what it kept gives way only to what is newer, or to
            # what was made anew because the store is another one.
            if current is None or current is known or loaded.version > current.version:
                self._kept[uuid] = loaded
            self._kept.move_to_end(uuid)
            if len(self._kept) > self._max_size:
                self._kept.popitem(last=False)


_caches: WeakSet[AggregateCache[Any]] = WeakSet()


def clear_all() -> None:
    """Empty every cache of the process, as after the database was exchanged."""
    for cache in list(_caches):
        cache.clear()
