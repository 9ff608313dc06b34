"""What consumers are doing: their lag, its samples, and the list that operators see."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.models.functions import Now

from eventstore import store
from eventstore.clock import database_now
from eventstore.consumers import checkpoints
from eventstore.consumers.registry import PROJECTOR, RELAY, consumers, databases
from eventstore.errors import BehindItsGroup
from eventstore.models import Checkpoint
from eventstore.records import Head
from eventstore.runtime.row_locks import held

_HEARTBEAT_S: Final = 10
_SAMPLES_KEPT: Final = timedelta(days=1)
_SILENT: Final = timedelta(seconds=60)
"""A consumer that was not seen for this long counts as stopped, unless it works within a transaction."""

# Django takes longer to compose these than a database to run them; each start of a consumer waits for them.
_KEEP_SAMPLE: Final = (
    "INSERT INTO eventstore_lagsample (name, minute, lag_events, lag_seconds) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (name, minute) DO UPDATE SET lag_events = excluded.lag_events, lag_seconds = excluded.lag_seconds"
)
_DELETE_SAMPLES: Final = "DELETE FROM eventstore_lagsample WHERE minute < %s"

DATABASE: Final = "the database"
"""What a consumer waits for during an outage, if its row can still be written."""

State = Literal["running", "waiting", "paused", "stopped", "gone"]
"""`gone` is a consumer with a checkpoint that this code does not have: retired code, or newer code elsewhere."""


class Heartbeat:
    """Shows that a consumer is alive: updates `last_seen` every few seconds and samples the lag each minute."""

    def __init__(self, names: Sequence[str], using: str) -> None:
        self._names, self._using = names, using
        self._seen = float("-inf")
        self._sampled: datetime | None = None

    def beat(self, rate: float) -> None:
        """Write what is due; called after each step."""
        now = time.monotonic()
        if now < self._seen + _HEARTBEAT_S:
            return
        with transaction.atomic(using=self._using):
            rows = checkpoints.load(self._names, self._using, lock=True)  # See Note [Rows are locked by name]
            at = database_now(self._using)
            checkpoints.mark_seen(self._names, at, rate, self._using)
        self._seen, minute = now, at.replace(second=0, microsecond=0)
        if minute != self._sampled:
            _sample(rows, at, self._using)  # without the rows' locks: it asks the log, which may be in another database
            self._sampled = minute


def show_outage(names: Sequence[str], using: str, *, is_over: bool) -> None:
    """Show in the rows that their consumers wait for the database, or no longer do, if the database takes that now."""
    if connections[using].vendor != "postgresql":
        return  # SQLite lets nobody write during an outage
    was, becomes = (DATABASE, "") if is_over else ("", DATABASE)
    with suppress(DatabaseError, InterfaceError), transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = 100; SET LOCAL synchronous_commit = off")
        checkpoints.load(names, using, lock=True)  # See Note [Rows are locked by name]
        rows = Checkpoint.objects.using(using).filter(name__in=names, waiting_for=was)
        rows.update(waiting_for=becomes, last_seen=Now())


def _sample(rows: Sequence[Checkpoint], at: datetime, using: str) -> None:
    """Keep one sample of each consumer's lag for the minute of a moment, and delete samples older than a day."""
    head, ops = store.head(), connections[using].ops
    minute = at.replace(second=0, microsecond=0)
    samples = [(row.name, ops.adapt_datetimefield_value(minute), *_lag(row.position, head, at)) for row in rows]
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.executemany(_KEEP_SAMPLE, samples)
        cursor.execute(_DELETE_SAMPLES, [ops.adapt_datetimefield_value(minute - _SAMPLES_KEPT)])


def _lag(position: int, head: Head, now: datetime) -> tuple[int, float]:
    """Return by how many events a position is behind, and for how many seconds the first of them has waited."""
    if position >= head.position:
        return 0, 0.0
    first = store.read_event(position + 1)
    waiting = (now - first.recorded_at).total_seconds() if first else 0.0
    return head.position - position, round(max(waiting, 0.0), 3)


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a consumer stopped, why, when, and how often."""

    position: int
    message: str
    at: datetime | None
    count: int


@dataclass(frozen=True, slots=True)
class Status:
    """What one consumer is doing."""

    name: str
    kind: str
    state: State
    position: int
    head: int
    lag_events: int
    lag_seconds: float
    rate: float | None
    last_seen: datetime | None
    error: Failure | None
    waiting_for: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the fields that machines rely on."""
        fields = asdict(self)
        del fields["waiting_for"]
        return fields


def statuses() -> list[Status]:
    """Return every consumer of the code, the rebuilds in progress, and consumers whose code is gone."""
    rows, gone = _rows()
    now, head = database_now(), store.head()
    stopped = _stopped(rows) | _silent(rows, now)
    missing = [name for name in consumers.names if name not in rows]
    found = [_status(row, head, now, stopped) for row in rows.values()]
    found += [replace(_status(row, head, now, set()), state="gone", error=None, waiting_for="") for row in gone]
    return sorted(found + [_never_ran(name, head, now, rows) for name in missing], key=lambda one: one.name)


def _rows() -> tuple[dict[str, Checkpoint], list[Checkpoint]]:
    """Return the rows of the code's consumers and their rebuilds by name, and the rows of others."""
    known: dict[str, Checkpoint] = {}
    gone: list[Checkpoint] = []
    for using in databases():
        for row in Checkpoint.objects.using(using).order_by("name"):
            name = row.name.removesuffix(checkpoints.REBUILD_SUFFIX)
            if name not in consumers.names:
                gone.append(row)
            elif consumers.database_of(name) == using:
                known[row.name] = row
    return known, gone


def _stopped(rows: dict[str, Checkpoint]) -> set[str]:
    """Return the consumers that have an error, and those of their groups."""
    failed = {name for name, row in rows.items() if row.error_position is not None}
    tied = {other for name in failed if name in consumers.names for other in consumers.tied_to(name)}
    return failed | tied


def _silent(rows: dict[str, Checkpoint], now: datetime) -> set[str]:
    """Return the consumers that were not seen for long and do not work within a transaction either."""
    silent = {name for name, row in rows.items() if _is_silent(row, now)}
    for using in databases():
        silent -= held(Checkpoint, silent, using)
    return silent


def _is_silent(row: Checkpoint, now: datetime) -> bool:
    return row.last_seen is None or now - row.last_seen > _SILENT


def _status(row: Checkpoint, head: Head, now: datetime, stopped: set[str]) -> Status:
    error = None
    if row.error_position is not None:
        error = Failure(row.error_position, row.error_message, row.error_at, row.error_count)
    state: State
    if row.paused:
        state = "paused"
    elif row.name in stopped:
        state = "stopped"
    else:
        state = "waiting" if row.waiting_for else "running"
    lag_events, lag_seconds = _lag(row.position, head, now)
    return Status(
        row.name,
        row.kind,
        state,
        row.position,
        head.position,
        lag_events,
        lag_seconds,
        None if _is_silent(row, now) else row.rate,
        row.last_seen,
        error,
        row.waiting_for if state == "waiting" else "",
    )


def _never_ran(name: str, head: Head, now: datetime, rows: dict[str, Checkpoint]) -> Status:
    """Return the status of a consumer without a row: it begins at position 1 or at the head.

    If other projectors of its group have moved on, the error names the rebuild that it needs.
    """
    kind = consumers.kind(name)
    error, position = None, head.position
    if kind == PROJECTOR:
        group = consumers.tied_to(name)
        position = 0
        if any(rows[other].position for other in group if other in rows):
            error = Failure(0, str(BehindItsGroup(name, group)), None, 0)
    if kind == RELAY and not consumers.relay(name).begins_at_head:
        position = 0
    lag_events, lag_seconds = _lag(position, head, now)
    return Status(name, kind, "stopped", 0, head.position, lag_events, lag_seconds, None, None, error)
