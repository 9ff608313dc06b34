"""Events as they come out of the store, without one."""

from collections.abc import Iterable
from datetime import UTC, datetime

from eventstore.payloads.registry import registry
from eventstore.records import RecordedEvent


def recorded(pairs: Iterable[tuple[str, object]]) -> list[RecordedEvent]:
    """Return stream and event pairs as the store would have recorded them, from position 1 on."""
    at = datetime(2024, 3, 1, tzinfo=UTC)
    versions: dict[str, int] = {}
    events = []
    for position, (stream, data) in enumerate(pairs, start=1):
        versions[stream] = versions.get(stream, 0) + 1
        name, schema_version, payload = registry.encode(data)
        events.append(
            RecordedEvent(
                position, stream, versions[stream], name, schema_version, payload, "tester", "a test", None, "{}", at
            )
        )
    return events
