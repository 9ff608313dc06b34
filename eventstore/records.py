"""The frozen values that the store takes and returns."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from eventstore.patterns import CATEGORY_PATTERN, UUID_PATTERN
from eventstore.payloads.registry import registry

ANY: Final = -1
"""Expected version: any."""
NO_STREAM: Final = 0
"""Expected version: the stream has no event yet."""


STREAM_ID_PATTERN: Final = rf"{CATEGORY_PATTERN}(-{UUID_PATTERN})?"
_LONGEST_STREAM_ID: Final = 100
_STREAM_ID: Final = re.compile(STREAM_ID_PATTERN)


def is_stream_id(text: str) -> bool:
    """Say whether a text is a stream id: `<category>-<lower-case canonical uuid>`, or a bare category."""
    return len(text) <= _LONGEST_STREAM_ID and _STREAM_ID.fullmatch(text) is not None


def stream_id_of(category: str, entity: UUID) -> str:
    """Return the stream id of an entity: `<category>-<uuid>`."""
    return f"{category}-{entity}"


@dataclass(frozen=True, slots=True)
class Context:
    """Who caused some events, which correlation they share, and which event they answer.

    `causation` is the position of the event that they answer; `metadata` is anything else to be kept, as JSON.
    """

    actor: str
    correlation_id: str
    causation: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be appended to a stream; `data` is an instance of a registered event class.

    An event without a context of its own gets that of its append.
    """

    stream_id: str
    data: object
    context: Context | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key under which an append is recorded once; `fingerprint` identifies the body of the request."""

    scope: str
    key: str
    fingerprint: str


class RecordedEvent(NamedTuple):
    """An event as the store holds it; payload and metadata are decoded each time that they are read.

    Two are equal if all their fields are. Payload and metadata are compared as JSON, because PostgreSQL keeps the
    values of a JSON text but neither its spaces nor the order of its members.
    """

    position: int
    stream_id: str
    version: int
    type: str
    schema_version: int
    payload_json: str
    actor: str
    correlation_id: str
    causation: int | None
    metadata_json: str
    recorded_at: datetime

    def __eq__(self, other: object) -> bool:
        """Compare payload and metadata as JSON, and all other fields as they are."""
        if not isinstance(other, RecordedEvent):
            return False
        if tuple(self) == tuple(other):
            return True
        return (
            tuple(self._replace(payload_json="", metadata_json=""))
            == tuple(other._replace(payload_json="", metadata_json=""))
            and self.payload == other.payload
            and self.metadata == other.metadata
        )

    def __ne__(self, other: object) -> bool:
        """Return whether they differ; a tuple has a comparison of its own."""
        return not self == other

    def __hash__(self) -> int:
        """Return a hash of the fields that are no JSON."""
        return hash((self.position, self.stream_id, self.version))

    @property
    def category(self) -> str:
        """The part of the stream id before its first hyphen."""
        return self.stream_id.partition("-")[0]

    @property
    def uuid(self) -> UUID:
        """The uuid of the entity whose stream this is; ValueError if the stream id has none."""
        return UUID(self.stream_id.partition("-")[2])

    @property
    def payload(self) -> dict[str, Any]:
        """The payload as it was stored, in its own schema version."""
        payload: dict[str, Any] = json.loads(self.payload_json)
        return payload

    @property
    def metadata(self) -> dict[str, Any]:
        """Anything else that was recorded with the event."""
        metadata: dict[str, Any] = json.loads(self.metadata_json)
        return metadata

    @property
    def data(self) -> Any:
        """The event as an instance of its registered class, upcast to today's schema version and checked.

        Raises UnknownEventType or UnreadableEvent, which name the position.
        """
        return registry.decode(self)


Row = tuple[Any, ...]
"""The fields of a recorded event, in order, as a database returns them."""


def events_of(rows: Iterable[Row]) -> Iterator[RecordedEvent]:
    """Return the events that rows describe, each made when it is asked for.

    Each collection of garbage visits every event that exists, and passes over rows of plain values.
    """
    return map(partial(tuple.__new__, RecordedEvent), rows)  # RecordedEvent._make takes twice the time


def with_time_zones(rows: Sequence[Row]) -> Sequence[Row]:
    """Return rows whose moments have a time zone; SQLite returns them in UTC without one, and sometimes as text."""
    if not rows or getattr(rows[0][-1], "tzinfo", None) is not None:
        return rows
    return [(*row[:-1], _in_utc(row[-1])) for row in rows]


def _in_utc(moment: datetime | str) -> datetime:
    naive = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return naive.replace(tzinfo=UTC)


class Head(NamedTuple):
    """The newest event's position and time of recording; position 0 and None if the log is empty."""

    position: int
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Appended:
    """The events that an append recorded, in order; `repeated` if its idempotency key had recorded them before."""

    events: tuple[RecordedEvent, ...]
    repeated: bool = False

    @property
    def position(self) -> int:
        """The position of the last event."""
        return self.events[-1].position
