"""Schemas of answers that are not made from a definition of the ledger."""

from typing import Final

from ninja import Schema
from pydantic import ConfigDict, Field

from ledger.api.parameters import EventType
from ledger.api.shapes import Moment, Next, Payload, Told


class FaultSchema(Schema):
    """One fault of a body or a query."""

    pointer: str = Field(description="Where, as in RFC 6901.")
    detail: str


class ProblemSchema(Schema):
    """An answer that says no (RFC 9457); further members are the figures that the rule looked at."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(
        description="A slug that never changes; GET /api/problems/{slug} explains it.", examples=["insufficient-funds"]
    )
    title: str
    status: int
    detail: str
    errors: list[FaultSchema] = Field(default_factory=list)


PROBLEMS: Final = dict.fromkeys((400, 401, 403, 409, 413, 422, 503), ProblemSchema)
"""What a command may answer besides."""


class RecordedEventSchema(Told):
    """An event that a command recorded."""

    position: int
    stream_id: str
    version: int
    type: EventType
    payload: Payload


class Recorded(Told):
    """What a command recorded, all of it or nothing."""

    position: int = Field(description="Of the last event.")
    events: list[RecordedEventSchema]


class LoggedEvent(RecordedEventSchema):
    """An event as the log has it."""

    schema_version: int
    actor: str
    correlation_id: str
    causation: int | None = Field(description="Position of the event that caused this one.")
    recorded_at: Moment


class EventPage(Told):
    """A page of the log, in order of position."""

    items: list[LoggedEvent]
    next: Next
