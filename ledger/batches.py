"""Executes many commands in order, each on what the ones before it made, and appends the events of many in one call."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import IntegrityError

from eventstore import batches, store
from eventstore.batches import Part
from eventstore.errors import IdempotencyKeyReused, WrongExpectedVersion
from eventstore.records import Appended, Context, IdempotencyKey, NewEvent
from ledger.handlers import LoadedFacts
from ledger.rules.commands import Command
from ledger.rules.decide import decide
from ledger.rules.refusals.base import Refusal

_AT_ONCE: Final = 500
"""How many commands are decided for one append, if each counts for itself."""


@dataclass(frozen=True, slots=True)
class Item:
    """One command of a batch, with its idempotency key."""

    command: Command
    key: IdempotencyKey


Result = Appended | Refusal | IdempotencyKeyReused
"""What became of a command: its events, new or recorded before under its key, or why there are none."""


class BatchRefused(Exception):
    """One command of an atomic batch is refused, so that none is recorded."""

    def __init__(self, index: int, reason: Refusal | IdempotencyKeyReused) -> None:
        self.index, self.reason = index, reason
        super().__init__(f"command {index}: {reason}")


def execute(items: Sequence[Item], context: Context, *, atomic: bool, using: str = "default") -> list[Result]:
    """Decide and record the commands; return what became of each, in order.

    If the batch is atomic, all are recorded or none: raises BatchRefused. Otherwise each is recorded or refused for
    itself, and a batch that is broken off has recorded those before some command. Either way, one that is sent again
    records nothing twice: a command whose key has recorded something is not decided again.

    Also raises what `store.append` raises.
    """
    at_once = len(items) if atomic else _AT_ONCE
    results: list[Result] = []
    for first in range(0, len(items), at_once):
        chunk = items[first : first + at_once]
        results += _execute_chunk(_Chunk(chunk, context, first, atomic=atomic, using=using))
    return results


class _RecordedMeanwhile(Exception):
    """A refused command's key has recorded something since it was looked up, and may have caused the refusal."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    items: Sequence[Item]
    context: Context
    first: int
    atomic: bool
    using: str


def _execute_chunk(chunk: _Chunk) -> list[Result]:
    # A key may be recorded, or a stream may grow, between the look at it and the append.
    for _ in range(settings.COMMAND_MAX_ATTEMPTS - 1):
        try:
            return _attempt(chunk)
        except (WrongExpectedVersion, IntegrityError, _RecordedMeanwhile):
            continue
    with store.append_lock(chunk.using):
        return _attempt(chunk)


def _attempt(chunk: _Chunk) -> list[Result]:
    """Decide the commands and record them; raises WrongExpectedVersion if a state that was read has changed."""
    known = batches.recorded_keys((item.key for item in chunk.items), chunk.using)
    earlier = batches.events_of(known.values(), chunk.using)
    facts = LoadedFacts(chunk.using)
    facts.preload([item.command for item in chunk.items if (item.key.scope, item.key.key) not in known])
    results: list[Result | None] = []
    parts: list[Part] = []
    for number, item in enumerate(chunk.items):
        row = known.get((item.key.scope, item.key.key))
        if row is not None and row.fingerprint == item.key.fingerprint:
            results.append(Appended(earlier[row.first_position], repeated=True))
            continue
        outcome = IdempotencyKeyReused(item.key.key) if row is not None else _decide(item, facts)
        if isinstance(outcome, Part):
            parts.append(outcome)
            results.append(None)
            continue
        if chunk.atomic:
            _check_not_recorded([item.key] if row is None else [], chunk.using)
            _check_still_so(facts, chunk.using)
            raise BatchRefused(chunk.first + number, outcome)
        results.append(outcome)
    refused = [item.key for item, result in zip(chunk.items, results, strict=True) if isinstance(result, Refusal)]
    _check_not_recorded(refused, chunk.using)
    if not parts:
        _check_still_so(facts, chunk.using)
        return [result for result in results if result is not None]
    recorded = iter(batches.append_parts(parts, chunk.context, expected=facts.expected, using=chunk.using))
    return [Appended(next(recorded)) if result is None else result for result in results]


def _decide(item: Item, facts: LoadedFacts) -> Part | Refusal:
    try:
        decision = decide(item.command, facts)
    except Refusal as refusal:
        return refusal
    facts.apply(decision)
    return Part([NewEvent(stream, data) for stream, data in decision], item.key)


def _check_not_recorded(keys: Sequence[IdempotencyKey], using: str) -> None:
    """Look refused commands' keys up once more: none hears a refusal that its own success, sent twice, has caused."""
    if keys and batches.recorded_keys(keys, using):
        raise _RecordedMeanwhile


def _check_still_so(facts: LoadedFacts, using: str) -> None:
    """Check the states that refusals rest on, as the append checks them: they must be durable, and still so."""
    # See Note [Every stream looked at is checked]
    moved = facts.moved()
    if moved is not None:
        raise moved
    if facts.expected:
        store.barrier(using)
