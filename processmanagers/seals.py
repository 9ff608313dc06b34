"""The process manager that seals each business date once it has ended.

# Note [A day is sealed once]
A SystemCycled ends the date before it. The seal of that date covers every event after the seal before, up to the one
before this SystemCycled; what is recorded later belongs to the next seal, whatever date it counts for. Between chunks
the checkpoint row keeps the tree, so a day of any size is hashed in flat memory and in short transactions. The stream
of seals must be at the version of the seal before: no position is sealed twice, and none is left out.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Final

from django.conf import settings

from eventstore import store
from eventstore.consumers.definitions import Chunk, ProcessManager
from eventstore.payloads.canonical import canonical_event, canonical_value
from eventstore.payloads.registry import registry
from eventstore.records import NewEvent, RecordedEvent
from eventstore.seals import signing
from eventstore.seals.check import trusted_keys
from eventstore.seals.merkle import BlockTree, leaf_hash
from eventstore.seals.seal import NOTHING_BEFORE, Seal, chain_of
from ledger.rules.events import DaySealed, SealedTotal
from projectors.queries.trial_balance import trial_balance

STREAM: Final = "seals"
_NOT_STATED: Final = frozenset({"blocks", "chain", "public_key", "signature"})


class SealedByAnotherKey(Exception):
    """The seal before was signed by a key that the settings do not name."""

    def __init__(self, public_key: str) -> None:
        super().__init__(
            f"the last seal was signed by the key {public_key}: set SEAL_KEY to its private key, or, to seal with a new"
            " one, put this key into SEAL_PUBLIC_KEYS"
        )


class Seals(ProcessManager):
    """Answers SystemCycled with the seal of the date before. See Note [A day is sealed once]."""

    name: ClassVar[str] = "seals"
    types: ClassVar[tuple[str, ...]] = ("SystemCycled",)
    depends_on: ClassVar[tuple[str, ...]] = ("journal",)

    def react(self, event: RecordedEvent, progress: Any | None, limit: int) -> Chunk:
        """Add the next events to the tree, at most `limit`, and record the seal after the last one."""
        day = _day_before(event)
        if day is None:
            return Chunk([])
        if progress is None:
            at, tree = day.first - 1, BlockTree.of_size(day.last - day.first + 1)
        else:
            at, tree = progress["at"], BlockTree.from_json(progress["tree"])
        for one in store.read_batch(from_position=at + 1, limit=limit, up_to=day.last):
            tree.add(leaf_hash(canonical_event(one).encode()))
            at = one.position
        if at < day.last:
            return Chunk([], {"at": at, "tree": tree.to_json()})
        return Chunk([NewEvent(STREAM, _sealed(day, tree))], None, {STREAM: day.version})


@dataclass(frozen=True, slots=True)
class _Day:
    """A date that has ended, its events, and the seal before: its chain and its version in the stream of seals."""

    date: date
    first: int
    last: int
    previous: str
    version: int


def _day_before(cycled: RecordedEvent) -> _Day | None:
    """Return the day that ended when a date began; None if it was the first date, or everything is sealed.

    Raises SealedByAnotherKey.
    """
    ended = store.last_of_type("SystemCycled", up_to=cycled.position - 1)
    sealed = store.last_of_type("DaySealed")
    if sealed is not None and sealed.data.public_key not in trusted_keys():
        raise SealedByAnotherKey(sealed.data.public_key)
    first = 1 if sealed is None else sealed.data.last_position + 1
    if ended is None or first >= cycled.position:
        return None
    previous, version = (NOTHING_BEFORE, 0) if sealed is None else (sealed.data.chain, sealed.version)
    return _Day(ended.data.new_date, first, cycled.position - 1, previous, version)


def _sealed(day: _Day, tree: BlockTree) -> DaySealed:
    blocks = tuple(block.hex() for block in tree.blocks())
    figures = (day.date, day.first, day.last, day.last - day.first + 1, _totals(day.last))
    unsigned = DaySealed(*figures, tree.root().hex(), day.previous, tree.block_size, blocks, "", "", "")
    statement = statement_of(unsigned)
    key = settings.SEAL_KEY
    proof = (chain_of(statement), signing.public_key_of(key), signing.sign(statement, key))
    return DaySealed(*figures, unsigned.root, day.previous, tree.block_size, blocks, *proof)


def _totals(up_to: int) -> tuple[SealedTotal, ...]:
    sums: dict[str, tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
    for line in trial_balance(up_to):
        debit, credit = sums[line.currency]
        digits = -line.minor_digits
        sums[line.currency] = (debit + Decimal(line.debit).scaleb(digits), credit + Decimal(line.credit).scaleb(digits))
    return tuple(SealedTotal(currency, *both) for currency, both in sorted(sums.items()))


def statement_of(data: DaySealed) -> str:
    """Return what a seal states, in canonical form: all its fields but the blocks and the proof."""
    payload = json.loads(registry.encode(data)[2])
    return canonical_value({name: value for name, value in payload.items() if name not in _NOT_STATED})


def recorded_seals(up_to: int, using: str) -> Iterator[Seal]:
    """Yield the seals of the log, as the event store checks them."""
    for event in store.read_all(types=["DaySealed"], up_to=up_to, using=using):
        data: DaySealed = event.data
        yield Seal(
            data.sealed_date.isoformat(),
            event.position,
            data.first_position,
            data.last_position,
            data.root,
            data.previous,
            data.block_size,
            data.blocks,
            statement_of(data),
            data.chain,
            data.public_key,
            data.signature,
        )
