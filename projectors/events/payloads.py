"""An event's payload as projectors read it: the stored JSON in today's shape, amounts as whole minor units.

A projector folds millions of events. It therefore reads the JSON and does not build the event's dataclass; the codec
checked the payload when it was written.
"""

import json
from typing import Any

from eventstore.payloads.registry import registry
from eventstore.records import RecordedEvent


def payload_of(event: RecordedEvent) -> dict[str, Any]:
    """Return the payload, upcast if it was stored under an older schema version; raises UnknownEventType."""
    known = registry.named(event.type)
    payload: dict[str, Any] = json.loads(event.payload_json)
    if event.schema_version == known.schema_version:
        return payload
    return known.upcasters.upcast(payload, event.schema_version, known.schema_version)


def minor(amount: str) -> int:
    """Return a recorded amount in minor units: an event carries exactly its currency's digits."""
    return int(amount.replace(".", "", 1))


def digits(amount: str) -> int:
    """Return how many digits a recorded amount has after the point, which is how many its currency has."""
    return len(amount.partition(".")[2])
