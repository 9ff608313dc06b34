"""The two formats of exported events: each writes events to one file, in memory that does not grow with the file."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Final

from eventstore.errors import CannotExport
from eventstore.payloads.canonical import canonical_event
from eventstore.records import RecordedEvent

ROW_GROUP: Final = 10_000
"""So many events of a Parquet file are in memory at once."""

Write = Callable[[Path, Iterable[RecordedEvent]], None]


def write_jsonl(path: Path, events: Iterable[RecordedEvent]) -> None:
    """Write each event as a line of canonical JSON; raises CannotExport."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for event in events:
            try:
                file.write(canonical_event(event) + "\n")
            except ValueError as error:
                raise CannotExport(f"{event.type} at position {event.position} has no export: {error}") from error


def write_parquet(path: Path, events: Iterable[RecordedEvent]) -> None:
    """Write the events as row groups. See Note [A column for each event type]. Raises CannotExport."""
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415 - an optional requirement

        from relays.files import columns  # noqa: PLC0415 - it imports pyarrow
    except ImportError as error:
        raise CannotExport(
            "Parquet needs pyarrow: pip install --require-hashes -r requirements-parquet.txt, or use --format jsonl"
        ) from error
    with pq.ParquetWriter(path, columns.schema(), compression="zstd") as writer:
        for group in _groups(events):
            writer.write_table(columns.table(group), row_group_size=len(group))


def _groups(events: Iterable[RecordedEvent]) -> Iterator[list[RecordedEvent]]:
    remaining = iter(events)
    while group := list(islice(remaining, ROW_GROUP)):
        yield group


FORMATS: Final[Mapping[str, Write]] = {"jsonl": write_jsonl, "parquet": write_parquet}
