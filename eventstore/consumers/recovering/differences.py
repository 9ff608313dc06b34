"""Finds what the log, the consumers and the receivers of relays do not agree on; it only reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from django.db import connections
from django.db.models import Count, Max

from eventstore.consumers import checkpoints
from eventstore.consumers.checkpoints import REBUILD_SUFFIX
from eventstore.consumers.registry import consumers, databases
from eventstore.errors import ReceiverAway
from eventstore.models import Checkpoint, Event, Generation

_BEFORE_THE_FIRST_HOLE: Final = """
    SELECT min(known.position) FROM eventstore_event known WHERE NOT EXISTS (
        SELECT 1 FROM eventstore_event next WHERE next.position = known.position + 1
    )
"""


class Remedy(Enum):
    """What lets a consumer go on; the values are what operators read."""

    GO_ON = "it goes on from its checkpoint: what it wrote about those events is gone with them"
    REBUILD = "its read model is rebuilt by the running projector"
    MOVE = "it goes on after the head: what it did is final, and no event up to the head is answered or handed on again"
    BEGIN_ANEW = "its rebuild begins anew"
    UNDER_WAY = "nothing to do: its rebuild is asked for"
    BY_HAND = "nothing can be done about it here"


@dataclass(frozen=True, slots=True)
class Difference:
    """Where something differs, what, and what lets it go on; `row` is the checkpoint row if it is of a consumer."""

    subject: str
    fault: str
    remedy: Remedy
    using: str = "default"
    row: Checkpoint | None = None


def differences(head: int) -> Iterator[Difference]:
    """Yield what differs from the log, which ends at a position: the log first, then consumers, then receivers."""
    yield from _of_the_log()
    for using in databases():
        for row in Checkpoint.objects.using(using).order_by("name"):
            if row.name.removesuffix(REBUILD_SUFFIX) in consumers.names:
                yield from _of_consumer(row, head, using)
    yield from _of_receivers()


def _of_the_log() -> Iterator[Difference]:
    found = Event.objects.using("default").aggregate(count=Count("pk"), last=Max("pk"))
    if found["count"] != (found["last"] or 0):
        fault = f"has a hole at position {_first_hole()}: restore it, see docs/how-to/verify-and-restore.md"
        yield Difference("the log", fault, Remedy.BY_HAND)


def _first_hole() -> int:
    if not Event.objects.using("default").filter(pk=1).exists():
        return 1
    with connections["default"].cursor() as cursor:
        cursor.execute(_BEFORE_THE_FIRST_HOLE)
        return int(cursor.fetchone()[0]) + 1


def _of_consumer(row: Checkpoint, head: int, using: str) -> Iterator[Difference]:
    is_projector = row.kind == Checkpoint.Kind.PROJECTOR
    if row.went_back_from is not None:
        first, last = row.position + 1, row.went_back_from
        replaced = ", and other events have their positions" if head > row.position else ""
        fault = f"had handled the events at positions {first} to {last}; they are gone{replaced}"
        yield Difference(row.name, fault, Remedy.GO_ON, using, row)
    elif not checkpoints.is_of_this_log(row):
        beyond = f"is at position {row.position}, and the log ends at {head}"
        fault = beyond if row.position > head else f"has handled another event at position {row.position}"
        yield Difference(row.name, fault, _remedy(row), using, row)
    elif is_projector and (at := _position_of_rows(row, using)) not in {None, row.position}:
        fault = f"is at position {row.position}, and the rows of its read model are at {at}"
        yield Difference(row.name, fault, _remedy(row), using, row)


def _remedy(row: Checkpoint) -> Remedy:
    if row.kind == Checkpoint.Kind.PROJECTOR:
        return Remedy.REBUILD if row.rebuild_request is None else Remedy.UNDER_WAY
    return Remedy.BEGIN_ANEW if row.kind == Checkpoint.Kind.REBUILD else Remedy.MOVE


def _position_of_rows(row: Checkpoint, using: str) -> int | None:
    """Return how far the rows go that answer queries; None if that is not known."""
    # See Note [A generation vouches for its rows].
    described = Generation.objects.using(using).filter(projector=row.name, number=row.generation)
    return described.values_list("position", flat=True).first()


def _of_receivers() -> Iterator[Difference]:
    for name, relay in sorted(consumers.relays.items()):
        try:
            faults = list(relay.differences())
        except ReceiverAway as away:
            faults = [f"cannot be asked: {away}"]
        finally:
            relay.close()
        for fault in faults:
            yield Difference(f"the receiver of {name}", fault, Remedy.BY_HAND)
