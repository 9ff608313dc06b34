"""States folded from events and kept in the process, each brought up to date from the log before each use.

A long stream is folded from a snapshot; see Note [Snapshots are only a cache].
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import chain
from threading import Lock
from typing import Any, Generic
from weakref import WeakSet

from django.db import connections

from eventstore.folding import Fold, Loaded, State
from eventstore.log.reads import NO_BOUND, SHORT_STREAM, read_stream
from eventstore.log.snapshots import SNAPSHOT_EVERY, Snapshots
from eventstore.records import RecordedEvent


def must_fold_alone(using: str) -> bool:
    """Say whether a state that is read now must not be kept in a cache.

    A transaction may read events that are never committed, or miss events that were committed since it began.
    """
    return connections[using].in_atomic_block


class AggregateCache(Generic[State]):
    """The aggregates of one category by stream id; it drops the least recently used, and is safe in all threads.

    `fingerprint` is of the code that folds them; without one, no snapshots are kept.
    """

    def __init__(
        self,
        initial: State,
        evolve: Callable[[State, Any], State],
        max_size: int,
        using: str = "default",
        fingerprint: str = "",
    ) -> None:
        self._initial = Loaded(initial)
        self._fold = Fold(lambda: initial, lambda state, event: evolve(state, event.data))
        self._max_size, self._using = max_size, using
        self._snapshots = Snapshots(type(initial), fingerprint, using) if fingerprint else None
        self._kept: OrderedDict[str, Loaded[State]] = OrderedDict()
        self._lock = Lock()
        _caches.add(self)

    def load(self, stream_id: str) -> Loaded[State]:
        """Return the aggregate as it is now; one indexed read fetches the events that the cache has not seen."""
        known = self._get(stream_id)
        if known.position:
            loaded = self._fold.up_to_date(known, lambda known: self._read_from(stream_id, known))
            self._keep_snapshot_of(stream_id, known, loaded)
        else:
            loaded = self._begin(stream_id, self._first(stream_id, NO_BOUND), NO_BOUND)
        if not must_fold_alone(self._using):
            self._keep(stream_id, known, loaded)
        return loaded

    def kept(self, stream_id: str) -> Loaded[State]:
        """Return what the process keeps of an aggregate, which may be old; no event if it keeps nothing."""
        return self._get(stream_id)

    def with_new_events(self, stream_id: str, known: Loaded[State], new: list[RecordedEvent]) -> Loaded[State]:
        """Return an aggregate as it is now; `new` are its events that begin with the last one of what was kept.

        If they are as many as SHORT_STREAM there may be more, which are read here.
        """
        if known.position and (len(new) >= SHORT_STREAM or not (new and known.ends_with(new[0]))):
            return self.load(stream_id)  # much is new, or the log is another one
        if known.position:
            loaded = self._fold.onto(known, new[1:])
            self._keep_snapshot_of(stream_id, known, loaded)
        else:
            loaded = self._begin(stream_id, new, NO_BOUND)
        if not must_fold_alone(self._using):
            self._keep(stream_id, known, loaded)
        return loaded

    def load_at(self, stream_id: str, position: int) -> Loaded[State]:
        """Return the aggregate as of a position: later events do not count."""
        return self._begin(stream_id, self._first(stream_id, position), position)

    def wrong_snapshots(self, category: str, most: int) -> Iterator[str]:
        """Compare the newest snapshots with folds of all their events; yield what differs."""
        for stream_id, snapshot in () if self._snapshots is None else self._snapshots.sample(category, most):
            folded = self._fold.of(read_stream(stream_id, up_to_version=snapshot.version, using=self._using))
            if folded != snapshot:
                wrong = f"the snapshot of {stream_id} at version {snapshot.version} is not what its events fold to"
                yield f"{wrong}; empty the table eventstore_snapshot, which is only a cache"

    def clear(self) -> None:
        """Forget everything that is kept in the process."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def _first(self, stream_id: str, up_to: int) -> list[RecordedEvent]:
        return list(read_stream(stream_id, up_to=up_to, limit=SHORT_STREAM, using=self._using))

    def _begin(self, stream_id: str, first: list[RecordedEvent], up_to: int) -> Loaded[State]:
        """Return a state that the process does not know, from a snapshot if its first events are many."""
        if len(first) < SHORT_STREAM:
            return self._fold.of(first)
        known, events = self._snapshot(stream_id, up_to)
        if not known.position:
            rest = read_stream(stream_id, after_version=first[-1].version, up_to=up_to, using=self._using)
            events = chain(first, rest)
        *passed, loaded = self._fold.steps(known, events, SNAPSHOT_EVERY)
        self._keep_snapshots(stream_id, passed)
        return loaded

    def _snapshot(self, stream_id: str, up_to: int) -> tuple[Loaded[State], Iterator[RecordedEvent]]:
        """Return the last snapshot and the events after it; no state, and no events, if there is none."""
        # See Note [Snapshots are only a cache]
        snapshot = None if self._snapshots is None else self._snapshots.newest(stream_id, up_to)
        if self._snapshots is None or snapshot is None:
            return self._initial, iter(())
        events = self._read_from(stream_id, snapshot, up_to)
        last = next(events, None)
        if last is None or not snapshot.ends_with(last):
            self._snapshots.ignore(stream_id, snapshot, "the log has another event there")
            return self._initial, iter(())
        return snapshot, events

    def _read_from(self, stream_id: str, known: Loaded[State], up_to: int = NO_BOUND) -> Iterator[RecordedEvent]:
        return read_stream(stream_id, after_version=max(known.version - 1, 0), up_to=up_to, using=self._using)

    def _keep_snapshot_of(self, stream_id: str, known: Loaded[State], loaded: Loaded[State]) -> None:
        if loaded.version // SNAPSHOT_EVERY > known.version // SNAPSHOT_EVERY:
            self._keep_snapshots(stream_id, [loaded])

    def _keep_snapshots(self, stream_id: str, states: list[Loaded[State]]) -> None:
        if states and self._snapshots is not None and not must_fold_alone(self._using):
            self._snapshots.keep(stream_id, states)

    def _get(self, stream_id: str) -> Loaded[State]:
        with self._lock:
            known = self._kept.get(stream_id)
            if known is None:
                return self._initial
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
