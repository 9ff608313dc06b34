"""Writes the whole log, and what else cannot be made again from it, as the lines of an export."""

from collections.abc import Callable, Iterator
from typing import IO, Final

from eventstore import store
from eventstore.consumers import checkpoints
from eventstore.consumers.registry import databases
from eventstore.errors import CannotExport
from eventstore.models import Checkpoint, OperatorAction, RecordedKey
from eventstore.moving.lines import (
    FORMAT,
    FORMAT_VERSION,
    ActionLine,
    Footer,
    Header,
    KeyLine,
    LineWriter,
    ProcessManagerLine,
    text_of,
)
from eventstore.payloads.canonical import canonical_event, canonical_value
from eventstore.runtime.snapshot import snapshot

Seen = Callable[[int, int], None]

_BATCH: Final = 1000


def export(file: IO[bytes], seen: Seen) -> Footer:
    """Write the log up to its head and return the footer, which counts the lines; raises CannotExport.

    Head and checkpoints are read as of one moment: a process manager has answered all events up to its checkpoint, and
    no answer is in the log that the checkpoint does not know of. Events up to the head never change, so they are read
    in batches afterwards. `seen` is called with the number of events written and their total.
    """
    with snapshot("default"):
        head, managers, actions = store.head(), list(_process_managers()), list(_operator_actions())
    store.ensure_durable(head.position)
    writer = LineWriter(file)
    writer.write(text_of(Header(FORMAT, FORMAT_VERSION, head.position)))
    _write_events(writer, head.position, seen)
    keys = writer.write_all(_keys(head.position))
    counts = (head.position, keys, writer.write_all(managers), writer.write_all(actions))
    footer = Footer(writer.hash.digest, *counts)
    writer.write(text_of(footer))
    return footer


def _write_events(writer: LineWriter, head: int, seen: Seen) -> None:
    at = 0
    while at < head:
        # See Note [Positions become visible in order]
        events = store.read_batch(from_position=at + 1, limit=_BATCH, up_to=head)
        if not events or events[0].position != at + 1 or events[-1].position != at + len(events):
            raise CannotExport(f"the log has a hole after position {at}: run manage.py verify_eventstore")
        for event in events:
            try:
                writer.write(canonical_event(event))
            except ValueError as error:
                raise CannotExport(f"{event.type} at position {event.position} has no export: {error}") from error
        at += len(events)
        seen(at, head)


def _keys(head: int) -> Iterator[KeyLine]:
    """Yield the idempotency keys in the order in which they were recorded."""
    last = 0
    while True:
        batch = (
            RecordedKey.objects.using("default").filter(pk__gt=last, last_position__lte=head).order_by("pk")[:_BATCH]
        )
        for row in batch:
            last = row.pk
            span = (row.first_position, row.last_position)
            yield KeyLine(row.scope, row.key, row.fingerprint, *span, row.recorded_at)
        if len(batch) < _BATCH:
            return


def _process_managers() -> Iterator[ProcessManagerLine]:
    rows = Checkpoint.objects.using("default").filter(kind=Checkpoint.Kind.PROCESS_MANAGER)
    for row in rows.order_by("name"):
        progress = None if row.progress is None else canonical_value(row.progress)
        registered = (row.registered_at, row.registered_position)
        yield ProcessManagerLine(row.name, row.position, progress, row.paused, *registered)


def _operator_actions() -> Iterator[ActionLine]:
    """Yield what operators did, except skips that a rebuild has retried: an import would let them apply again."""
    for using in databases():
        retried = {row.name: checkpoints.skips_since(row) for row in Checkpoint.objects.using(using)}
        for row in OperatorAction.objects.using(using).order_by("id"):
            if row.action != OperatorAction.Action.SKIP or row.pk > retried.get(row.consumer, 0):
                yield ActionLine(row.consumer, row.action, row.position, row.actor, row.reason, row.at)
