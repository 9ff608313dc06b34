"""The values that one append sends to the database, and the database's answer."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import NamedTuple

from eventstore.records import Context, IdempotencyKey, RecordedEvent

NEVER = datetime.min.replace(tzinfo=UTC)


class Rows(NamedTuple):
    """An append, encoded and column by column.

    `stream_ids` are the distinct streams written or checked, `expected` their versions; each event has its stream, the
    1-based index of that stream in `stream_ids`, and its 1-based place among that stream's new events.
    """

    stream_ids: list[str]
    expected: list[int]
    event_streams: list[str]
    stream_indexes: list[int]
    places: list[int]
    types: Sequence[str]
    schema_versions: Sequence[int]
    payloads: Sequence[str]
    context: Context
    metadata: str
    key: IdempotencyKey | None

    @property
    def append_id(self) -> str:
        """The id of this append, by which it can be found in the log."""
        metadata: dict[str, str] = json.loads(self.metadata)
        return metadata["append_id"]

    def recorded(self, outcome: "Outcome") -> tuple[RecordedEvent, ...]:
        """Return the events as they were recorded."""
        context, bases, first = self.context, outcome.bases, outcome.first_position
        return tuple(
            [
                RecordedEvent(
                    first + offset,
                    stream_id,
                    bases[self.stream_indexes[offset] - 1] + self.places[offset],
                    self.types[offset],
                    self.schema_versions[offset],
                    self.payloads[offset],
                    context.actor,
                    context.correlation_id,
                    context.causation,
                    self.metadata,
                    outcome.recorded_at,
                )
                for offset, stream_id in enumerate(self.event_streams)
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
