"""Executes many commands in order, each on what the ones before it made, and appends the events of many in one call.

`POST /api/batches` and the import of a file both record by it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError

from eventstore import batches, store
from eventstore.batches import Part
from eventstore.errors import IdempotencyKeyReused, WrongExpectedVersion
from eventstore.log.recovery import find_after_commit
from eventstore.records import Appended, Context, IdempotencyKey, NewEvent
from ledger.handlers import LoadedFacts
from ledger.rules.commands import Command
from ledger.rules.decide import decide
from ledger.rules.refusals.base import Refusal

_AT_ONCE: Final = 500
"""How many items are decided for one append, if each counts for itself."""


@dataclass(frozen=True, slots=True)
class Item:
    """Commands of a batch that are recorded together or not at all, mostly a single one, with their idempotency key.

    Their events get the context, if there is one, in place of that of the batch. A command that is refused by one of
    the refusals `done` has nothing left to do, and is passed over.
    """

    commands: tuple[Command, ...]
    key: IdempotencyKey | None = None
    context: Context | None = None
    done: tuple[type[Refusal], ...] = ()

    def is_in(self, recorded: Mapping[tuple[str, str], object]) -> bool:
        """Say whether its key is one of those that were recorded."""
        return self.key is not None and (self.key.scope, self.key.key) in recorded


Result = Appended | Refusal | IdempotencyKeyReused
"""What became of an item: its events, new or recorded before under its key, or why there are none.

If all its commands are passed over, it has recorded nothing: Appended without events.
"""


class BatchRefused(Exception):
    """One item of an atomic batch is refused, so that none is recorded."""

    def __init__(self, index: int, reason: Refusal | IdempotencyKeyReused) -> None:
        self.index, self.reason = index, reason
        super().__init__(f"command {index}: {reason}")


def execute(
    items: Sequence[Item],
    context: Context,
    *,
    atomic: bool,
    expected: Mapping[str, int] | None = None,
    using: str = "default",
) -> list[Result]:
    """Decide and record the items; return what became of each, in order.

    If the batch is atomic, all are recorded or none: raises BatchRefused. Otherwise each is recorded or refused for
    itself, and a batch that is broken off has recorded those before some item. Either way, one that is sent again
    records nothing twice: an item whose key has recorded something is not decided again.

    `expected` are versions of further streams, on which the caller rests and not the decisions; if one of them has
    changed, WrongExpectedVersion is raised at once. Also raises what `store.append` raises.
    """
    at_once = len(items) if atomic else _AT_ONCE
    results: list[Result] = []
    for first in range(0, len(items), at_once):
        chunk = items[first : first + at_once]
        results += _execute_chunk(_Chunk(chunk, context, expected or {}, first, atomic=atomic, using=using))
    return results


class _RecordedMeanwhile(Exception):
    """A refused command's key has recorded something since it was looked up, and may have caused the refusal."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    items: Sequence[Item]
    context: Context
    expected: Mapping[str, int]
    first: int
    atomic: bool
    using: str


def _execute_chunk(chunk: _Chunk) -> list[Result]:
    # A key may be recorded, or a stream may grow, between the look at it and the append.
    for _ in range(settings.COMMAND_MAX_ATTEMPTS - 1):
        try:
            return _attempt(chunk)
        except (IntegrityError, _RecordedMeanwhile):
            continue
        except WrongExpectedVersion as conflict:
            if conflict.stream_id in chunk.expected:
                raise
    results: list[Result] = []
    try:
        with store.append_lock(chunk.using):
            results = _attempt(chunk)
    except (OperationalError, InterfaceError) as error:
        recorded = [result.events[-1] for result in results if isinstance(result, Appended) and not result.repeated]
        if not recorded:
            raise  # Nothing was committed.
        find_after_commit(recorded[-1], error, chunk.using)
    return results


def _attempt(chunk: _Chunk) -> list[Result]:
    """Decide the commands and record them; raises WrongExpectedVersion if a state that was read has changed."""
    known = batches.recorded_keys((item.key for item in chunk.items if item.key is not None), chunk.using)
    facts = LoadedFacts(chunk.using, chunk.expected)
    facts.preload([command for item in chunk.items if not item.is_in(known) for command in item.commands])
    results: list[Result | None] = []
    parts: list[Part] = []
    for number, (item, outcome) in enumerate(_outcomes(chunk, known, facts)):
        if isinstance(outcome, Part):
            parts.append(outcome)
        elif chunk.atomic and not isinstance(outcome, Appended):
            _check_not_recorded([item] if isinstance(outcome, Refusal) else [], chunk.using)
            _check_still_so(facts, chunk.using)
            raise BatchRefused(chunk.first + number, outcome)
        results.append(None if isinstance(outcome, Part) else outcome)
    refused = [item for item, result in zip(chunk.items, results, strict=True) if isinstance(result, Refusal)]
    _check_not_recorded(refused, chunk.using)
    if not parts:
        _check_still_so(facts, chunk.using)
        return [result for result in results if result is not None]
    # The caller's version of a stream goes before that of a decision, which may be newer.
    expected = {**facts.expected, **facts.also_expected}
    recorded = iter(batches.append_parts(parts, chunk.context, expected=expected, using=chunk.using))
    return [Appended(next(recorded)) if result is None else result for result in results]


def _outcomes(chunk: _Chunk, known: batches.Recorded, facts: LoadedFacts) -> Iterator[tuple[Item, Part | Result]]:
    """Yield each item with what it is to record, or with what became of it; `known` has the keys recorded before."""
    earlier = batches.events_of(known.values(), chunk.using)
    for item in chunk.items:
        key = item.key
        row = None if key is None else known.get((key.scope, key.key))
        if key is None or row is None:
            yield item, _decide(item, facts)
        elif row.fingerprint == key.fingerprint:
            yield item, Appended(earlier[row.first_position], repeated=True)
        else:
            yield item, IdempotencyKeyReused(key.key)


def _decide(item: Item, facts: LoadedFacts) -> Part | Appended | Refusal:
    events: list[NewEvent] = []
    for command in item.commands:
        try:
            decision = decide(command, facts)
        except item.done:
            continue
        except Refusal as refusal:
            facts.undo()
            return refusal
        facts.apply(decision)
        events += [NewEvent(stream, data, item.context) for stream, data in decision]
    facts.keep()
    return Part(events, item.key) if events else Appended(())


def _check_not_recorded(refused: Sequence[Item], using: str) -> None:
    """Look refused items' keys up once more: none hears a refusal that its own success, sent twice, has caused."""
    keys = [item.key for item in refused if item.key is not None]
    if keys and batches.recorded_keys(keys, using):
        raise _RecordedMeanwhile


def _check_still_so(facts: LoadedFacts, using: str) -> None:
    """Check the states that refusals rest on, as the append checks them: they must be durable, and still so."""
    # See Note [Every stream looked at is checked]
    moved = facts.moved()
    if moved is not None:
        raise moved
    facts.check_also_expected()
    if facts.expected:
        store.barrier(using)
