"""Folds the whole log: the state of every stream at every position."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from eventstore import store
from ledger.rules import decide


class History:
    """All states of all aggregates."""

    def __init__(self) -> None:
        self.events = list(store.read_all())
        self._positions: dict[str, list[int]] = defaultdict(list)
        self._states: dict[str, list[Any]] = defaultdict(list)
        for event in self.events:
            if event.category in decide.STATES:
                initial, evolve = decide.STATES[event.category]
                states = self._states[event.stream_id]
                states.append(evolve(states[-1] if states else initial, event.data))
                self._positions[event.stream_id].append(event.position)

    def at(self, stream: str, position: int) -> Any:
        """Return a stream's state as of a position."""
        before = bisect_right(self._positions[stream], position)
        return self._states[stream][before - 1] if before else decide.STATES[stream.partition("-")[0]][0]

    def states(self, category: str) -> Iterator[Any]:
        """Yield every state that any aggregate of a category ever had."""
        for stream, states in self._states.items():
            if stream.startswith(f"{category}-"):
                yield from states

    def last(self, category: str) -> Iterator[Any]:
        """Yield the newest state of each aggregate of a category."""
        for stream, states in self._states.items():
            if stream.startswith(f"{category}-"):
                yield states[-1]
