"""Checkpoint rows: made once, locked by each transaction of a consumer, moved with what it wrote."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from eventstore import store
from eventstore.clock import utc_now
from eventstore.consumers.registry import PROCESS_MANAGER, Group, consumers
from eventstore.errors import BehindItsGroup
from eventstore.models import Checkpoint, OperatorAction

REBUILD_SUFFIX = "@rebuild"


class Place(NamedTuple):
    """Where a consumer is in the log: a position, and when the event there was recorded."""

    position: int
    recorded_at: datetime | None


START = Place(0, None)


def load(names: Sequence[str], using: str, *, lock: bool = False) -> list[Checkpoint]:
    """Return the rows that exist, by name; with `lock` they stay as they are until the transaction ends.

    # Note [Rows are locked by name]
    Whoever locks several rows does it in one query, in order of their names, so that nobody waits in a circle. On
    SQLite the transaction has locked the whole database when it began.
    """
    rows = Checkpoint.objects.using(using).filter(name__in=names).order_by("name")
    return list(rows.select_for_update() if lock else rows)


def remembered(rows: Iterable[Checkpoint]) -> list[tuple[object, ...]]:
    """What must be as a consumer remembers it for its transaction to go on.

    The error and the number of failures are part of it: a skip clears the one and leaves the other, so that nobody
    handles an event which, since the row was read, has failed elsewhere and was skipped.
    """
    return [
        (row.name, row.position, row.recorded_at, row.progress, row.generation, row.error_position, row.error_count)
        for row in rows
    ]


def move(names: Sequence[str], place: Place, using: str, *, progress: Any | None, rate: float) -> None:
    """Move locked rows to a place; an error that they named is past."""
    Checkpoint.objects.using(using).filter(name__in=names).update(
        position=place.position,
        recorded_at=place.recorded_at,
        progress=progress,
        error_count=0,
        **_alive(rate),
        **NO_ERROR,
    )


def get_within(name: str, progress: Any, using: str, *, rate: float) -> None:
    """Keep in a locked row how far within the next event its consumer has got."""
    Checkpoint.objects.using(using).filter(name=name).update(progress=progress, **_alive(rate))


def _alive(rate: float) -> dict[str, Any]:
    return {"waiting_for": "", "last_seen": utc_now(), "rate": rate}


NO_ERROR: Mapping[str, Any] = {"error_position": None, "error_message": "", "error_at": None}


def fail(row: Checkpoint, position: int, message: str) -> None:
    """Keep in a locked row where its consumer stopped, why, when, and how often by now."""
    row.error_position, row.error_message, row.error_at = position, message, utc_now()
    row.error_count += 1
    row.last_seen = row.error_at
    row.save(update_fields=["error_position", "error_message", "error_at", "error_count", "last_seen"])


def is_of_this_log(row: Checkpoint) -> bool:
    """Whether the last event that a consumer has dealt with is in the log, and still is what it was."""
    if row.position == 0:
        return True
    event = store.read_event(row.position)
    return event is not None and (row.recorded_at is None or event.recorded_at == row.recorded_at)


def skipped(names: Sequence[str], after: int, using: str, *, since: int = 0) -> dict[str, frozenset[int]]:
    """The positions above `after` that operators have skipped, for each name; `since` is an action not counted."""
    actions = OperatorAction.objects.using(using).filter(
        consumer__in=names, action=OperatorAction.Action.SKIP, position__gt=after, id__gt=since
    )
    found: dict[str, set[int]] = {name: set() for name in names}
    for name, position in actions.values_list("consumer", "position"):
        found[name].add(position or 0)
    return {name: frozenset(positions) for name, positions in found.items()}


def new_row(name: str, kind: str, place: Place, **more: Any) -> Checkpoint:
    """A row of a consumer that begins after a place."""
    now = utc_now()
    return Checkpoint(
        name=name,
        kind=kind,
        position=place.position,
        recorded_at=place.recorded_at,
        registered_at=now,
        registered_position=place.position,
        **more,
    )


def register_manager(name: str) -> None:
    """Register a process manager, for good, at the head, where that has not been done; safe when two do it at once."""
    if not Checkpoint.objects.filter(name=name).using("default").exists():
        head = store.head()
        row = new_row(name, Checkpoint.Kind.PROCESS_MANAGER, Place(head.position, head.recorded_at))
        Checkpoint.objects.using("default").bulk_create([row], ignore_conflicts=True)


def register_group(group: Group, using: str) -> None:
    """Register a group's projectors at the start of the log; raises BehindItsGroup where the others have gone on."""
    with transaction.atomic(using=using):
        rows = load(group.names, using, lock=True)
        missing = [name for name in group.names if name not in {row.name for row in rows}]
        if missing and any(row.position for row in rows):
            raise BehindItsGroup(missing[0], group.names)
        new = [new_row(name, Checkpoint.Kind.PROJECTOR, START) for name in missing]
        Checkpoint.objects.using(using).bulk_create(new, ignore_conflicts=True)


def register(name: str) -> None:
    """Register a consumer where it has never been; a projector with its group. Raises UnknownConsumer."""
    if consumers.kind(name) == PROCESS_MANAGER:
        register_manager(name)
    else:
        register_group(consumers.group_of(name), consumers.database_of(name))


def never_registered() -> list[str]:
    """Return the names of the process managers that have no checkpoint: they miss whatever is appended now."""
    known = Checkpoint.objects.using("default").filter(name__in=consumers.managers).values_list("name", flat=True)
    return sorted(set(consumers.managers) - set(known))
