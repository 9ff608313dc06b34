"""States folded from events and kept in the process, each brought up to date from the log before each use.

# Note [A reader remembers its last event]
An event can be read a moment before it is durable. After a crash, or after an older database is restored, its position
and version are given to another event. A reader that remembers how far it has read therefore remembers the position
and `recorded_at` of its last event, and its next read begins with that event. If the event is no longer the same, the
reader discards everything that it has derived from the log and begins again.

# Note [Snapshots are only a cache]
The past state of a long stream is folded from a snapshot: the state after each thousand events, kept in the process
for the streams that were read last. Each use verifies the snapshot: the read begins with the snapshot's last event,
and if this event is no longer the same, the stream is folded from its beginning.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from threading import Lock
from typing import Any, Final, Generic, TypeVar
from weakref import WeakSet

from django.db import connections

from eventstore.log.reads import read_stream
from eventstore.records import RecordedEvent

State = TypeVar("State")

_SNAPSHOT_EVERY: Final = 1000
_MOST_STREAMS_WITH_SNAPSHOTS: Final = 64


@dataclass(frozen=True, slots=True)
class Loaded(Generic[State]):
    """A state and the last event that it was folded from; version and position are 0 if there is none."""

    state: State
    version: int = 0
    position: int = 0
    recorded_at: datetime | None = None

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
        return self._onto(Loaded(self.initial()), events)

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
        return self._onto(known, events)

    def steps(self, known: Loaded[State], events: Iterator[RecordedEvent], every: int) -> Iterator[Loaded[State]]:
        """Yield the state after every `every` events, and the last state."""
        while True:
            loaded = self._onto(known, islice(events, every))
            yield loaded
            if loaded.version < known.version + every:
                return
            known = loaded

    def _onto(self, loaded: Loaded[State], events: Iterable[RecordedEvent]) -> Loaded[State]:
        state, last = loaded.state, None
        for event in events:
            state, last = self.evolve(state, event), event
        return loaded if last is None else Loaded(state, last.version, last.position, last.recorded_at)


def must_fold_alone(using: str) -> bool:
    """Say whether a state that is read now must not be kept in a cache.

    A transaction may read events that are never committed, or miss events that were committed since it began.
    """
    return connections[using].in_atomic_block


class AggregateCache(Generic[State]):
    """The aggregates of one category by stream id; it drops the least recently used, and is safe in all threads."""

    def __init__(
        self, initial: State, evolve: Callable[[State, Any], State], max_size: int, using: str = "default"
    ) -> None:
        self._fold = Fold(lambda: initial, lambda state, event: evolve(state, event.data))
        self._max_size, self._using = max_size, using
        self._kept: OrderedDict[str, Loaded[State]] = OrderedDict()
        self._snapshots: OrderedDict[str, tuple[Loaded[State], ...]] = OrderedDict()
        self._lock = Lock()
        _caches.add(self)

    def load(self, stream_id: str) -> Loaded[State]:
        """Return the aggregate as it is now; one indexed read fetches the events that the cache has not seen."""

        def read_from(known: Loaded[State]) -> Iterator[RecordedEvent]:
            return read_stream(stream_id, after_version=max(known.version - 1, 0), using=self._using)

        known = self._get(stream_id)
        loaded = self._fold.up_to_date(known, read_from)
        if not must_fold_alone(self._using):
            self._keep(stream_id, known, loaded)
        return loaded

    def load_at(self, stream_id: str, position: int) -> Loaded[State]:
        """Return the aggregate as of a position: later events do not count.

        A long stream is folded from the last snapshot before the position. See Note [Snapshots are only a cache].
        """

        def read_from(known: Loaded[State]) -> Iterator[RecordedEvent]:
            after = max(known.version - 1, 0)
            return read_stream(stream_id, after_version=after, up_to=position, using=self._using)

        snapshots = self._snapshots.get(stream_id, ())
        place = bisect_right(snapshots, position, key=lambda snapshot: snapshot.position)
        known = snapshots[place - 1] if place else Loaded(self._fold.initial())
        events = read_from(known)
        if known.position:
            last = next(events, None)
            if last is None or not known.ends_with(last):
                place, known = 0, Loaded(self._fold.initial())
                events = read_from(known)
        *passed, loaded = self._fold.steps(known, events, _SNAPSHOT_EVERY)
        if passed and not must_fold_alone(self._using):
            self._keep_snapshots(stream_id, (*snapshots[:place], *passed))
        return loaded

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._snapshots.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def _keep_snapshots(self, stream_id: str, snapshots: tuple[Loaded[State], ...]) -> None:
        with self._lock:
            # Another thread may have kept more in the meantime; this affects only the speed.
            self._snapshots[stream_id] = snapshots
            self._snapshots.move_to_end(stream_id)
            if len(self._snapshots) > _MOST_STREAMS_WITH_SNAPSHOTS:
                self._snapshots.popitem(last=False)

    def _get(self, stream_id: str) -> Loaded[State]:
        with self._lock:
            known = self._kept.get(stream_id)
            if known is None:
                return Loaded(self._fold.initial())
            self._kept.move_to_end(stream_id)
            return known

    def _keep(self, stream_id: str, known: Loaded[State], loaded: Loaded[State]) -> None:
        if not loaded.version:
            return
        with self._lock:
            current = self._kept.get(stream_id)
            # Another thread may have kept a newer state in the meantime, which stays. The state that this thread began
            # with is always replaced: if the log is another one, the right state may be an older one.
            if current is None or current is known or loaded.version > current.version:
                self._kept[stream_id] = loaded
            self._kept.move_to_end(stream_id)
            if len(self._kept) > self._max_size:
                self._kept.popitem(last=False)


_caches: WeakSet[AggregateCache[Any]] = WeakSet()


def clear_all() -> None:
    """Empty every cache of the process; call it after the database was replaced."""
    for cache in list(_caches):
        cache.clear()
