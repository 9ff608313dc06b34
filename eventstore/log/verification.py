"""Verifies the whole log: positions and versions have no holes, and every event can be read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from django.db import connections

from eventstore import store
from eventstore.clock import utc_now
from eventstore.errors import LogDamaged, UnknownEventType, UnreadableEvent
from eventstore.log.reads import SQL
from eventstore.payloads.registry import registry
from eventstore.records import RecordedEvent
from eventstore.seals.check import SealCheck

_BATCH: Final = 2000

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_CLOCK_DIFFERENCE: Final = timedelta(days=1)
_TRIGGERS: Final = {
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = 'eventstore_event'::regclass AND tgenabled = 'A'",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'eventstore_event'",
}
_GUARDS: Final = {
    "postgresql": {"event_is_append_only", "event_row_is_append_only", "event_continues_the_log"},
    "sqlite": {"event_refuses_update", "event_refuses_delete", "event_refuses_replace", "event_continues_the_log"},
}

Seen = Callable[[int, int], None]


class Verified(NamedTuple):
    """How many events and seals a verification has read."""

    events: int
    seals: int


def verify(seen: Seen, using: str = "default", anchored: Mapping[str, str] | None = None) -> Verified:
    """Verify the log and its seals and return what was verified; raises LogDamaged at the first fault.

    `anchored` are the published chains of the seals, by the seal's name. `seen` is called from time to time with the
    number of steps done and their total. Memory does not grow with the log.
    """
    head = store.durable_head(using)
    check = SealCheck(head, using, anchored)
    for done in _positions(head, check, using):
        seen(done, 2 * head)
    check.finish()
    for done in _versions(head, using):
        seen(head + done, 2 * head)
    _check_triggers(using)
    return Verified(head, check.checked)


def _check_triggers(using: str) -> None:
    """Raise LogDamaged unless each trigger that guards the log exists and fires in every session."""
    vendor = connections[using].vendor
    with connections[using].cursor() as cursor:
        cursor.execute(_TRIGGERS[vendor])
        missing = sorted(_GUARDS[vendor] - {name for (name,) in cursor.fetchall()})
    if missing:
        raise LogDamaged(
            f"the trigger {missing[0]} of eventstore_event is missing or does not always fire: the log can be changed"
        )


def fault_of(event: RecordedEvent, latest: datetime) -> str | None:
    """Return what no append can have recorded of an event, or None; `latest` is the latest moment allowed."""
    fault = None
    if not event.actor.strip() or not event.correlation_id.strip():
        fault = "actor or correlation_id is empty"
    elif not event.metadata_json.lstrip().startswith("{"):
        fault = "metadata is not an object"
    elif event.category not in registry.named(event.type).categories:
        fault = f"it does not occur in streams of {event.category}"
    elif not _EARLIEST <= event.recorded_at <= latest:
        fault = f"recorded_at {event.recorded_at.isoformat()} is before {_EARLIEST:%Y} or in the future"
    return fault


def check_before_acting(events: Sequence[RecordedEvent], using: str = "default") -> None:
    """Raise LogDamaged or UnreadableEvent at the first event that no append can have recorded so.

    The events are in order of position; an event that lies before an earlier one of its stream is damage, too. It costs
    one query for all of them. Consumers whose acts cannot be taken back do it before they act.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(SQL["out_of_order"], [events[0].position - 1, events[-1].position])
        out_of_order = {position for (position,) in cursor.fetchall()}
    latest = latest_moment()
    for event in events:
        event.data  # noqa: B018 - reading it decodes and checks the payload
        fault = fault_of(event, latest)
        if fault is None and event.position in out_of_order:
            fault = f"version {event.version} is not in order in the stream {event.stream_id}"
        if fault is not None:
            raise LogDamaged(f"{event.type} at position {event.position}: {fault}")


def latest_moment() -> datetime:
    """Return the latest moment at which an event can have been recorded: clocks of machines differ."""
    return utc_now() + _CLOCK_DIFFERENCE


def _positions(head: int, check: SealCheck, using: str) -> Iterator[int]:
    # See Note [Positions become visible in order]
    expected, latest = 1, latest_moment()
    while expected <= head:
        batch = store.read_batch(from_position=expected, limit=_BATCH, up_to=head, using=using)
        for event in batch:
            if event.position != expected:
                raise LogDamaged(f"position {expected} is missing: the next event is at {event.position}")
            try:
                event.data  # noqa: B018 - reading it decodes and checks the payload
                event.metadata  # noqa: B018 - as above
                fault = fault_of(event, latest)
                check.see(event)
            except (UnreadableEvent, UnknownEventType) as error:
                raise LogDamaged(str(error)) from error
            except ValueError as error:
                raise LogDamaged(f"{event.type} at position {event.position} is not readable: {error}") from error
            if fault is not None:
                raise LogDamaged(f"{event.type} at position {event.position}: {fault}")
            expected += 1
        yield expected - 1


def _versions(head: int, using: str) -> Iterator[int]:
    """Read the unique index of (stream_id, version) in order: versions have no hole and are in order of position."""
    stream_id, version, position, done = "", 0, 0, 0
    while True:
        with connections[using].cursor() as cursor:
            cursor.execute(SQL["versions_by_stream"], [stream_id, version, head, _BATCH])
            rows = cursor.fetchall()
        for next_stream, next_version, next_position in rows:
            expected = version + 1 if next_stream == stream_id else 1
            if next_version != expected:
                raise LogDamaged(f"stream {next_stream}: version {expected} is missing, the next is {next_version}")
            if next_stream == stream_id and next_position < position:
                raise LogDamaged(
                    f"stream {stream_id}: version {version} is at position {position}, after version {next_version} at"
                    f" position {next_position}"
                )
            stream_id, version, position = next_stream, next_version, next_position
        done += len(rows)
        yield done
        if len(rows) < _BATCH:
            return
