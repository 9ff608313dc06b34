"""Writes events to a folder of files, each for so many positions, and goes on where an earlier run ended."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eventstore import store
from eventstore.errors import CannotExport
from eventstore.payloads.canonical import moment_text
from eventstore.records import RecordedEvent
from relays.files import manifest
from relays.files.formats import FORMATS
from relays.files.manifest import Manifest

Seen = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export: the format, the positions, and how many of them a file has. None is the default, or as before."""

    format: str
    first: int | None
    last: int | None
    events_per_file: int


def export(folder: Path, wanted: Wanted, seen: Seen) -> Manifest:
    """Write the files that the folder lacks and return its manifest; raises CannotExport.

    A file gets its name once it is complete, and the manifest names it afterwards. So a run that is killed costs one
    file. `seen` is called with the number of events that are done and their total.
    """
    head = store.durable_head()
    last = head if wanted.last is None else wanted.last
    if last > head:
        raise CannotExport(f"--to {last} is beyond the last event, which is at position {head}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            found = _begun(folder, wanted)
            while found.last_position < last:
                found = _one_more(folder, found, last, wanted.events_per_file)
                seen(found.last_position - found.first_position + 1, last - found.first_position + 1)
    except OSError as error:
        raise CannotExport(f"{folder} cannot be used: {error.strerror or error}") from error
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise CannotExport(f"another process exports to {folder}: wait for it") from error
    finally:
        os.close(number)


def _begun(folder: Path, wanted: Wanted) -> Manifest:
    """Return the manifest to go on with; raises CannotExport if the folder holds something else."""
    found = manifest.load(folder)
    if found is None:
        others = [path.name for path in folder.iterdir() if not path.name.endswith(".part")]
        if others:
            raise CannotExport(f"{folder} has no manifest and is not empty, it has {others[0]}: name another folder")
        first = 1 if wanted.first is None else wanted.first
        return Manifest(wanted.format, first, first - 1)
    if found.format != wanted.format:
        raise CannotExport(f"{folder} holds {found.format}, not {wanted.format}: name another folder")
    if wanted.first not in {None, found.first_position}:
        raise CannotExport(f"{folder} begins at position {found.first_position}, not at {wanted.first}")
    if found.last_recorded_at is not None:
        event = store.read_event(found.last_position)
        if event is None or moment_text(event.recorded_at) != found.last_recorded_at:
            raise CannotExport(f"{folder} holds another log: position {found.last_position} is not the event it was")
    return found


def _one_more(folder: Path, found: Manifest, last: int, events_per_file: int) -> Manifest:
    first = found.last_position + 1
    through = min(first + events_per_file - 1, last)
    path = folder / f"events-{first:012}-{through:012}.{found.format}"
    part = path.with_name(f"{path.name}.part")
    newest: list[RecordedEvent] = []
    FORMATS[found.format](part, _without_holes(first, through, newest))
    manifest.keep(part, path)
    after = found.with_file(manifest.described(path, first, through), moment_text(newest[-1].recorded_at))
    manifest.save(folder, after)
    return after


def _without_holes(first: int, through: int, newest: list[RecordedEvent]) -> Iterator[RecordedEvent]:
    """Yield the events of a file, and keep the last one in `newest`; raises CannotExport at a hole."""
    expected = first
    for event in store.read_all(after=first - 1, up_to=through):
        if event.position != expected:
            break
        expected += 1
        newest[:] = [event]
        yield event
    if expected != through + 1:
        raise CannotExport(f"the log has a hole at position {expected}: run manage.py verify_eventstore")
