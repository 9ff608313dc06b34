"""Races planted into the code of a client process, which histories must find."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, Final, NoReturn

from eventstore import store
from eventstore.folding import Loaded
from eventstore.log.cache import AggregateCache, must_fold_alone
from eventstore.records import Appended, Context, NewEvent, RecordedEvent
from ledger import handlers, states
from ledger.rules.refusals.base import Refusal


def unchecked_reads() -> None:
    """Let the append check only the streams that it writes."""
    append = store.append

    def unchecked(events: Sequence[NewEvent], context: Context, *, expected: Mapping[str, int], **how: Any) -> Appended:
        written = {event.stream_id for event in events}
        checked = {stream: version for stream, version in expected.items() if stream in written}
        return append(events, context, expected=checked, **how)

    store.append = unchecked  # type: ignore[assignment] # in this process only


def unchecked_writes() -> None:
    """Let the append check nothing."""
    append = store.append

    def unchecked(events: Sequence[NewEvent], context: Context, **how: Any) -> Appended:
        return append(events, context, **{**how, "expected": None})

    store.append = unchecked


def stale_cache() -> None:
    """Let the cache sometimes answer without a look at the log."""
    fresh, chance = AggregateCache.with_new_events, Random(1)

    def stale(self: AggregateCache[Any], stream_id: str, known: Loaded[Any], new: list[RecordedEvent]) -> Loaded[Any]:
        if known.position and chance.random() < 0.5 and not must_fold_alone("default"):
            return known
        return fresh(self, stream_id, known, new)

    AggregateCache.with_new_events = stale  # type: ignore[method-assign] # in this process only


def torn_refusal() -> None:
    """Read each stream at a moment of its own, and return a refusal that rests on them.

    The reader sometimes pauses between two streams, because others rarely come between two reads that follow at once.
    """
    at_once, chance = states.states_of, Random(1)

    def read_later(stream: str, using: str) -> states.Current:
        if chance.random() < 0.3:
            time.sleep(chance.random() * 0.02)
        return at_once([stream], using)

    def one_by_one(streams: Iterable[str], using: str = "default") -> states.Current:
        read = [read_later(stream, using) for stream in streams]
        found = {stream: loaded for current in read for stream, loaded in current.states.items()}
        return states.Current(found, read[-1].head if read else at_once([], using).head)

    states.states_of = one_by_one
    handlers.LoadedFacts.have_moved = _have_not_moved  # type: ignore[method-assign, assignment] # in this process only


def _have_not_moved(_facts: handlers.LoadedFacts) -> bool:
    return False


def refused_twin() -> None:
    """Return the refusal of a repeated command, although its key has recorded it."""

    def refuse(refusal: Refusal, *_: object) -> NoReturn:
        raise refusal

    handlers._recorded_before = refuse  # type: ignore[assignment] # in this process only


def append_in_two_halves() -> None:
    """Record the first event of an append before the others."""
    append = store.append

    def halves(events: Sequence[NewEvent], context: Context, **how: Any) -> Appended:
        if len(events) == 1:
            return append(events, context, **how)
        first = append(events[:1], context, **how)
        rest = append(events[1:], context)
        return Appended(first.events + rest.events, first.repeated)

    store.append = halves


PLANTED: Final[Mapping[str, Callable[[], None]]] = {
    "reads are not checked": unchecked_reads,
    "writes are not checked": unchecked_writes,
    "the cache is stale": stale_cache,
    "a refusal is torn": torn_refusal,
    "a twin is refused": refused_twin,
    "an append has two halves": append_in_two_halves,
}
