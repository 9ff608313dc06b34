"""The values that one append sends to the database, and the database's answer."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from itertools import repeat
from typing import Final, NamedTuple

from eventstore.records import Context, IdempotencyKey, RecordedEvent

_new: Final = tuple.__new__  # RecordedEvent's own does the same in twice the time
NEVER = datetime.min.replace(tzinfo=UTC)


class Origin(NamedTuple):
    """A context, and its metadata as JSON with the id of the append."""

    context: Context
    metadata: str


class Rows(NamedTuple):
    """An append, encoded and column by column.

    `stream_ids` are the distinct streams written or checked, `expected` their versions; each event has its stream, the
    1-based index of that stream in `stream_ids`, and its 1-based place among that stream's new events. `origins` has
    one for each event, or a single one that is that of all events.
    """

    stream_ids: list[str]
    expected: list[int]
    event_streams: list[str]
    stream_indexes: list[int]
    places: list[int]
    types: Sequence[str]
    schema_versions: Sequence[int]
    payloads: Sequence[str]
    origins: Sequence[Origin]
    key: IdempotencyKey | None

    @property
    def append_id(self) -> str:
        """The id of this append, by which it can be found in the log."""
        metadata: dict[str, str] = json.loads(self.origins[0].metadata)
        return metadata["append_id"]

    @property
    def origin_of_each(self) -> Iterator[Origin]:
        """The origin of each event, in order."""
        return repeat(self.origins[0]) if len(self.origins) == 1 else iter(self.origins)

    def recorded(self, outcome: "Outcome") -> tuple[RecordedEvent, ...]:
        """Return the events as they were recorded."""
        bases, first, at = outcome.bases, outcome.first_position, outcome.recorded_at
        if len(self.event_streams) == 1:
            [(context, metadata)] = self.origins
            version = bases[self.stream_indexes[0] - 1] + 1
            what = (first, self.event_streams[0], version, self.types[0], self.schema_versions[0], self.payloads[0])
            whence = (context.actor, context.correlation_id, context.causation, metadata, at)
            return (_new(RecordedEvent, what + whence),)
        return tuple(
            [
                _new(
                    RecordedEvent,
                    (
                        first + offset,
                        stream_id,
                        bases[self.stream_indexes[offset] - 1] + self.places[offset],
                        self.types[offset],
                        self.schema_versions[offset],
                        self.payloads[offset],
                        context.actor,
                        context.correlation_id,
                        context.causation,
                        metadata,
                        at,
                    ),
                )
                for (offset, stream_id), (context, metadata) in zip(
                    enumerate(self.event_streams), self.origin_of_each, strict=False
                )
            ]
        )


class Kind(IntEnum):
    """The result of an append, by the number that the database answers."""

    APPENDED = 0
    CONFLICT = 1
    REPEATED = 2
    REUSED = 3


class Outcome(NamedTuple):
    """The database's answer to an append; `conflict` is the 1-based index of the stream at another version."""

    kind: Kind
    first_position: int = 0
    last_position: int = 0
    recorded_at: datetime = NEVER
    contended: bool = False
    early: bool = False
    conflict: int = 0
    actual_version: int = 0
    bases: Sequence[int] = ()
