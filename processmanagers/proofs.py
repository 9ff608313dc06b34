"""Proofs that an event is in a seal, and the seals as they are published."""

from typing import Any, Final

from eventstore import store
from eventstore.errors import EventStoreError
from eventstore.payloads.canonical import canonical_event, canonical_value
from eventstore.records import RecordedEvent
from eventstore.seals.merkle import inclusion, leaf_hash
from ledger.rules.events import DaySealed
from processmanagers.seals import statement_of

FORMAT: Final = "daybook-proof"
FORMAT_VERSION: Final = 1
_FEW: Final = 5
"""The next seal nearly always covers an event; others come between if the process manager was late."""


class NotSealed(EventStoreError):
    """The event does not exist, no seal covers it yet, or its seal does not hold."""


def seal_of(position: int) -> RecordedEvent | None:
    """Return the seal that covers a position: the first after it that reaches it."""
    later = store.read_all(after=position, types=["DaySealed"], batch_size=_FEW)
    return next((event for event in later if event.data.last_position >= position), None)


def prove(position: int) -> dict[str, Any]:
    """Return the proof that the event at a position is in its seal, for tools/verify_proof.py; raises NotSealed."""
    event = store.read_event(position)
    if event is None:
        raise NotSealed(f"there is no event at position {position}; the head is {store.head().position}")
    sealed = seal_of(position)
    if sealed is None:
        raise NotSealed(
            f"position {position} is not sealed yet: its seal is recorded once its business date has ended, if SEAL_KEY"
            " is set and `run_processmanager seals` runs"
        )
    store.ensure_durable(sealed.position)
    seal: DaySealed = sealed.data
    within = store.read_all(after=seal.first_position - 1, up_to=seal.last_position)
    hashes = (leaf_hash(canonical_event(one).encode()) for one in within)
    found = inclusion(hashes, position - seal.first_position, seal.events)
    if found.root(leaf_hash(canonical_event(event).encode())).hex() != seal.root:
        raise NotSealed(
            f"the seal of {seal.sealed_date} does not hold: an event was changed, moved, added or removed after it was"
            " sealed; verify_eventstore says which"
        )
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "event": canonical_event(event),
        "path": [beside.hex() for beside in found.path],
        "statement": statement_of(seal),
        "chain": seal.chain,
        "public_key": seal.public_key,
        "signature": seal.signature,
    }


def published(seal: DaySealed) -> str:
    """Return a seal as a line of an anchor: what is signed, and the proof that it is."""
    return canonical_value(
        {
            "date": seal.sealed_date.isoformat(),
            "statement": statement_of(seal),
            "chain": seal.chain,
            "public_key": seal.public_key,
            "signature": seal.signature,
        }
    )
