"""What an imported line must be, so that the log afterwards is one that appends could have recorded."""

from datetime import datetime
from typing import Any, Final

from eventstore.errors import EventOfNewerCode, InvalidStreamId, WrongCategory
from eventstore.log import admission
from eventstore.log.verification import fault_of
from eventstore.models import RecordedKey
from eventstore.moving.lines import KeyLine
from eventstore.payloads.canonical import assembled, canonical_value
from eventstore.payloads.registry import registry
from eventstore.records import Context, IdempotencyKey, RecordedEvent, is_stream_id

_GREATEST: Final = 2**63 - 1


def admitted_event(text: str, value: dict[str, Any], position: int, latest: datetime) -> RecordedEvent:
    """Return the event of a line, which must be at a position; raises ValueError or an EventStoreError."""
    event = _event(text, value)
    if event.position != position:
        raise ValueError(f"the event is at position {event.position} where {position} is next")
    if not is_stream_id(event.stream_id):
        raise InvalidStreamId(event.stream_id)
    if not 1 <= event.version <= _GREATEST:
        raise ValueError(f"{event.version} is not a version")
    newest = registry.newest_schema_version(event.type)
    if event.schema_version > (newest or 0):
        raise EventOfNewerCode(event.position, event.type, event.schema_version, newest)
    categories = registry.named(event.type).categories
    if event.category not in categories:
        raise WrongCategory(event.type, event.stream_id, categories)
    event.data  # noqa: B018 - reading it decodes and checks the payload
    admission.check_context(event.type, Context(event.actor, event.correlation_id, event.causation))
    admission.check_json(event.type, "the payload", event.payload_json)
    admission.check_json(event.type, "metadata", event.metadata_json)
    fault = fault_of(event, latest)
    if fault is not None:
        raise ValueError(fault)
    return event


def _event(text: str, value: dict[str, Any]) -> RecordedEvent:
    """Return the event whose canonical form is the text; ValueError if there is none."""
    try:
        payload, metadata = canonical_value(value["payload"]), canonical_value(value["metadata"])
        event = RecordedEvent(
            value["position"],
            value["stream_id"],
            value["version"],
            value["type"],
            value["schema_version"],
            payload,
            value["actor"],
            value["correlation_id"],
            value["causation"],
            metadata,
            datetime.fromisoformat(value["recorded_at"]),
        )
        is_canonical = assembled(event, payload, metadata) == text
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"the line is not an event: {type(error).__name__} {error}") from error
    causation = 0 if event.causation is None else event.causation
    numbers = (event.position, event.version, event.schema_version, causation)
    texts = (event.stream_id, event.type, event.actor, event.correlation_id)
    are_typed = all(type(number) is int for number in numbers) and all(type(text) is str for text in texts)
    if not (is_canonical and are_typed):
        raise ValueError("the line is not an event in canonical form")
    return event


def admit_key(line: KeyLine, head: int, using: str) -> None:
    """Record an idempotency key; raises ValueError or InvalidPayload."""
    admission.check_key("the key", IdempotencyKey(line.scope, line.key, line.fingerprint))
    if not 1 <= line.first_position <= line.last_position <= head:
        raise ValueError(f"the key belongs to positions {line.first_position} to {line.last_position}, not in the log")
    RecordedKey.objects.using(using).create(
        scope=line.scope,
        key=line.key,
        fingerprint=line.fingerprint,
        first_position=line.first_position,
        last_position=line.last_position,
        recorded_at=line.recorded_at,
    )
