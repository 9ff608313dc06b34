"""Checks seals against the events that they cover, in one pass of the log, and finds the block that was changed."""

from collections.abc import Iterator, Mapping

from django.conf import settings

from eventstore.errors import LogDamaged, UnknownEventType, UnreadableEvent
from eventstore.payloads.canonical import canonical_event
from eventstore.records import RecordedEvent
from eventstore.seals import signing
from eventstore.seals.merkle import BlockTree, leaf_hash, root_of_blocks
from eventstore.seals.seal import NOTHING_BEFORE, Seal, chain_of, seals


def trusted_keys() -> frozenset[str]:
    """Return the public keys whose seals count: of SEAL_KEY, and those of SEAL_PUBLIC_KEYS."""
    own = {signing.public_key_of(settings.SEAL_KEY)} if settings.SEAL_KEY else set()
    return frozenset(own | set(settings.SEAL_PUBLIC_KEYS))


class SealCheck:
    """Sees the events of a log one after the other; raises LogDamaged at the first that does not fit its seal."""

    def __init__(self, head: int, using: str, anchored: Mapping[str, str] | None = None) -> None:
        self.checked = 0
        self._trusted = trusted_keys()
        self._anchored = dict(anchored or {})
        self._seals = self._consistent(seals(head, using))
        self._seal = next(self._seals, None)
        self._tree = BlockTree(1) if self._seal is None else BlockTree(self._seal.block_size)

    def _consistent(self, found: Iterator[Seal]) -> Iterator[Seal]:
        """Yield seals that agree with themselves and with the seal before."""
        previous, first = NOTHING_BEFORE, 1
        try:
            for seal in found:
                fault = self._fault(seal, previous, first)
                if fault is not None:
                    raise LogDamaged(f"the seal of {seal.name} at position {seal.position}: {fault}")
                previous, first = seal.chain, seal.last + 1
                yield seal
        except (UnreadableEvent, UnknownEventType, ValueError) as error:
            raise LogDamaged(f"the seal after position {first - 1} is not readable: {error}") from error

    def _fault(self, seal: Seal, previous: str, first: int) -> str | None:
        published = self._anchored.pop(seal.name, seal.chain)
        if seal.chain != chain_of(seal.statement) or seal.chain != published:
            return "its chain is not that of its statement, or not the one that was published"
        if seal.previous != previous or seal.first != first or not seal.first <= seal.last < seal.position:
            return "it does not continue the seal before: a seal was changed, removed or added"
        if root_of_blocks(map(bytes.fromhex, seal.blocks)).hex() != seal.root:
            return "its blocks do not add up to its root"
        if self._trusted and seal.public_key not in self._trusted:
            return f"it is signed by the key {seal.public_key}, which SEAL_PUBLIC_KEYS does not name"
        if not signing.is_signed(seal.statement, seal.public_key, seal.signature):
            return "its signature is wrong"
        return None

    def see(self, event: RecordedEvent) -> None:
        """Add the next event of the log; ValueError if it has no canonical form."""
        if self._seal is None:
            return
        self._tree.add(leaf_hash(canonical_event(event).encode()))
        if event.position == self._seal.last:
            self._compare(self._seal)
            self.checked += 1
            self._seal = next(self._seals, None)
            if self._seal is not None:
                self._tree = BlockTree(self._seal.block_size)

    def _compare(self, seal: Seal) -> None:
        blocks = [block.hex() for block in self._tree.blocks()]
        for number, (block, sealed) in enumerate(zip(blocks, seal.blocks, strict=False)):
            if block != sealed:
                first = seal.first + number * seal.block_size
                last = min(first + seal.block_size - 1, seal.last)
                which = f"the event at position {first}" if first == last else f"an event from {first} to {last}"
                raise LogDamaged(
                    f"the seal of {seal.name} at position {seal.position}: {which} was changed, moved, added or removed"
                    " after it was sealed"
                )
        if len(blocks) != len(seal.blocks):
            raise LogDamaged(f"the seal of {seal.name} at position {seal.position}: it has another number of blocks")

    def finish(self) -> None:
        """Raise LogDamaged if the log ends before the last seal does, or lacks a seal that was published."""
        if self._seal is not None:
            raise LogDamaged(f"the log ends before position {self._seal.last}, to which {self._seal.name} is sealed")
        for name in self._anchored:
            raise LogDamaged(f"the seal of {name} was published and is not in the log")
