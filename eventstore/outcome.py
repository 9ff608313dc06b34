"""What is sent to the database in one append, and what it answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from eventstore.records import Context, IdempotencyKey, RecordedEvent


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

    def recorded(self, outcome: "Outcome") -> tuple[RecordedEvent, ...]:
        """Return the events as they were recorded."""
        assert outcome.recorded_at is not None  # noqa: S101 - an outcome 'appended' has it
        context = self.context
        return tuple(
            RecordedEvent(
                outcome.first_position + offset,
                stream_id,
                outcome.bases[index - 1] + place,
                type_name,
                schema_version,
                payload,
                context.actor,
                context.correlation_id,
                context.causation,
                self.metadata,
                outcome.recorded_at,
            )
            for offset, (stream_id, index, place, type_name, schema_version, payload) in enumerate(
                zip(
                    self.event_streams,
                    self.stream_indexes,
                    self.places,
                    self.types,
                    self.schema_versions,
                    self.payloads,
                    strict=True,
                )
            )
        )


class Outcome(NamedTuple):
    """What the database answered to an append; `kind` is appended, conflict, repeated or reused."""

    kind: str
    first_position: int = 0
    last_position: int = 0
    bases: Sequence[int] = ()
    recorded_at: datetime | None = None
    contended: bool = False
    early: bool = False
    conflicting_stream: str = ""
    actual_version: int = 0
