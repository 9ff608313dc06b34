"""Checkpoint rows: made once, locked by each transaction of a consumer, moved together with what it wrote."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connections, transaction
from django.db.models.functions import Now

from eventstore import store
from eventstore.clock import utc_now
from eventstore.consumers import generations, registry
from eventstore.consumers.at_head import statements
from eventstore.consumers.registry import Group, consumers
from eventstore.errors import BehindItsGroup, ConsumerError
from eventstore.models import Checkpoint, OperatorAction

LIVE_GENERATION: Final = "SELECT generation FROM eventstore_checkpoint WHERE name = %(name)s"
"""A part of other queries: the generation of a projector's rows that answers queries now."""
REBUILD_SUFFIX = "@rebuild"
_LONGEST_MESSAGE = 1000
_SKIPS_SINCE = "skips_since"
"""In the `progress` of a projector: skips up to this operator action were retried by a rebuild and no longer apply."""


Skips = dict[str, frozenset[int]]
"""The positions that each consumer skips."""


_ROWS: Final = "SELECT * FROM eventstore_checkpoint WHERE name IN ({}) ORDER BY name"
_SEEN: Final = "UPDATE eventstore_checkpoint SET last_seen = %s, rate = %s WHERE name = %s"


class LogPosition(NamedTuple):
    """A position in the log, and when the event there was recorded."""

    position: int
    recorded_at: datetime | None


START = LogPosition(0, None)


class StaleCheckpoint(ConsumerError):
    """A checkpoint row is not as remembered: another copy or an operator has changed it. Read it again."""


def load(names: Sequence[str], using: str, *, lock: bool = False) -> list[Checkpoint]:
    """Return the rows that exist, by name; with `lock` nobody else can change them until the transaction ends.

    # Note [Rows are locked by name]
    Several rows are locked by one query, in order of their names, so that transactions never wait for each other in a
    circle. On SQLite the transaction has locked the whole database from its beginning.
    """
    if statements.is_prepared(using):
        return statements.rows(names, using, lock=lock)
    # Django takes longer to compose a query than SQLite to run it.
    return list(Checkpoint.objects.raw(_ROWS.format(", ".join(["%s"] * len(names))), list(names), using=using))


def lock_unchanged(names: Sequence[str], remembered: Sequence[Checkpoint], using: str) -> list[Checkpoint]:
    """Lock and return the rows; raises StaleCheckpoint if they are not as remembered: the consumer is overtaken."""
    rows = load(names, using, lock=True)
    check_unchanged(rows, remembered)
    return rows


def check_unchanged(locked: Sequence[Checkpoint], remembered: Sequence[Checkpoint]) -> None:
    """Raise StaleCheckpoint if locked rows are not as remembered. See Note [Nobody owns a consumer]."""
    if _identity(locked) != _identity(remembered):
        raise StaleCheckpoint


def are_together(rows: Sequence[Checkpoint]) -> bool:
    """Return whether the rows of a group are at one position and of one generation."""
    return len({(row.position, row.generation) for row in rows}) == 1


def _identity(rows: Iterable[Checkpoint]) -> list[tuple[object, ...]]:
    """Return the values that must be unchanged; otherwise the process must forget what it remembers.

    A request for a rebuild is part of it, so that a process that is behind learns of it with its next transaction. The
    error and the number of failures are part of it, too. A skip clears the error and keeps the number, so that a copy
    which read the row before the failure does not handle the event that was skipped after it.
    """
    return [
        (
            row.name,
            row.position,
            row.recorded_at,
            row.progress,
            row.generation,
            row.error_position,
            row.error_count,
            row.rebuild_request,
        )
        for row in rows
    ]


def move(names: Sequence[str], to: LogPosition, using: str, *, progress: Any | None, rate: float) -> None:
    """Move locked rows to a position and clear their error."""
    if statements.is_prepared(using):
        statements.move(names, to.position, to.recorded_at, progress, rate, using=using)
        return
    Checkpoint.objects.using(using).filter(name__in=names).update(
        position=to.position,
        recorded_at=to.recorded_at,
        progress=progress,
        error_count=0,
        **_alive(rate),
        **NO_ERROR,
    )


def keep_progress(name: str, progress: Any, using: str, *, rate: float) -> None:
    """Keep in a locked row how far its process manager has got within the next event."""
    if statements.is_prepared(using):
        statements.keep_progress(name, progress, rate, using)
        return
    Checkpoint.objects.using(using).filter(name=name).update(progress=progress, **_alive(rate))


def mark_seen(names: Sequence[str], at: datetime, rate: float, using: str) -> None:
    """Note in locked rows that their consumer was alive at a moment."""
    with connections[using].cursor() as cursor:
        moment = connections[using].ops.adapt_datetimefield_value(at)
        cursor.executemany(_SEEN, [(moment, round(rate, 1), name) for name in names])


def _alive(rate: float) -> dict[str, Any]:
    return {"waiting_for": "", "last_seen": Now(), "rate": rate}


NO_ERROR: Mapping[str, Any] = {
    "error_position": None,
    "error_message": "",
    "error_at": None,
    "went_back_from": None,
}


def fail(row: Checkpoint, position: int, message: str, *, went_back_from: int | None = None) -> None:
    """Keep in a locked row the position, reason and time at which its consumer stopped, and count the error."""
    row.error_position, row.error_message, row.error_at = position, message, utc_now()
    row.error_count += 1
    row.last_seen = Now()
    row.went_back_from = went_back_from
    fields = ("error_position", "error_message", "error_at", "error_count", "last_seen", "went_back_from")
    row.save(update_fields=fields)


def one_line(message: str) -> str:
    """Return a message as one line of bounded length, of characters that every database can keep."""
    line = " ".join(message.replace("\x00", "?").split())[:_LONGEST_MESSAGE]
    return line.encode(errors="replace").decode()


def is_of_this_log(row: Checkpoint) -> bool:
    """Whether the log still holds the last event that the consumer handled, unchanged."""
    if row.position == 0:
        return True
    event = store.read_event(row.position)
    return event is not None and (row.recorded_at is None or event.recorded_at == row.recorded_at)


def skips_since(row: Checkpoint) -> int:
    """Return the operator action up to which skips no longer apply to a row, because a rebuild has retried them."""
    has_rebuilds = row.kind in {Checkpoint.Kind.PROJECTOR, Checkpoint.Kind.REBUILD}
    return int((row.progress or {}).get(_SKIPS_SINCE, 0)) if has_rebuilds else 0


def progress_with(skips_since: int) -> dict[str, Any] | None:
    """Return the `progress` of a projector whose skips up to an operator action no longer apply."""
    return {_SKIPS_SINCE: skips_since} if skips_since else None


def skipped(names: Sequence[str], after: int, using: str, *, since: int = 0) -> Skips:
    """Return the positions above `after` that operators skipped, by consumer; actions up to `since` do not count."""
    actions = OperatorAction.objects.using(using).filter(
        consumer__in=names, action=OperatorAction.Action.SKIP, position__gt=after, id__gt=since
    )
    return by_consumer(names, actions.values_list("consumer", "position", "id"), since)


def by_consumer(names: Sequence[str], skips: Iterable[tuple[str, int | None, int]], since: int) -> Skips:
    """Return the positions skipped, by consumer; each skip is a consumer, a position and an operator action."""
    found: dict[str, set[int]] = {name: set() for name in names}
    for name, position, action in skips:
        if action > since:
            found[name].add(position or 0)
    return {name: frozenset(positions) for name, positions in found.items()}


def new_row(name: str, kind: str, at: LogPosition, **more: Any) -> Checkpoint:
    """Return a row of a consumer that begins after a position."""
    return Checkpoint(
        name=name,
        kind=kind,
        position=at.position,
        recorded_at=at.recorded_at,
        registered_at=utc_now(),
        registered_position=at.position,
        **more,
    )


def register_manager(name: str) -> None:
    """Register a process manager at the head unless it is registered. Two processes may do so at once."""
    _register_alone(name, Checkpoint.Kind.PROCESS_MANAGER, at_head=True)


def register_relay(name: str) -> None:
    """Register a relay where it begins unless it is registered. Two processes may do so at once."""
    _register_alone(name, Checkpoint.Kind.RELAY, at_head=consumers.relay(name).begins_at_head)


def _register_alone(name: str, kind: str, *, at_head: bool) -> None:
    if not Checkpoint.objects.filter(name=name).using("default").exists():
        at = LogPosition(*store.head()) if at_head else START
        Checkpoint.objects.using("default").bulk_create([new_row(name, kind, at)], ignore_conflicts=True)


def register_group(group: Group, using: str) -> None:
    """Register a group's projectors at the start of the log; raises BehindItsGroup if other members have moved on."""
    with transaction.atomic(using=using):
        rows = load(group.names, using, lock=True)
        missing = [name for name in group.names if name not in {row.name for row in rows}]
        if missing and any(row.position for row in rows):
            raise BehindItsGroup(missing[0], group.names)
        if missing:
            # See Note [A generation vouches for its rows]
            number = rows[0].generation if rows else generations.unused(group, using)
            new = [new_row(name, Checkpoint.Kind.PROJECTOR, START, generation=number) for name in missing]
            generations.begin(missing, number, using)
            Checkpoint.objects.using(using).bulk_create(new, ignore_conflicts=True)


def register(name: str) -> None:
    """Register a consumer unless it is registered; a projector with its group. Raises UnknownConsumer."""
    match consumers.kind(name):
        case registry.PROCESS_MANAGER:
            register_manager(name)
        case registry.RELAY:
            register_relay(name)
        case _:
            register_group(consumers.group_of(name), consumers.database_of(name))


def position_of(name: str) -> int | None:
    """Return the position of a process manager's checkpoint, or None if it was never registered."""
    return Checkpoint.objects.using("default").filter(name=name).values_list("position", flat=True).first()


def never_registered() -> list[str]:
    """Return the names of the process managers without a checkpoint: they miss every event that is appended now."""
    known = Checkpoint.objects.using("default").filter(name__in=consumers.managers).values_list("name", flat=True)
    return sorted(set(consumers.managers) - set(known))
