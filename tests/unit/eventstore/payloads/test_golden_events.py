"""Every shape that was ever stored can still be read; each has a golden file.

A file is never changed. A new shape gets a new file, `<type>.v<schema version>.json`, and its upcaster; write it with
`python -m tests.unit.eventstore.payloads.test_golden_events`.
"""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from eventstore.payloads.registry import EventType, registry
from eventstore.payloads.type_hints import Leaf, ListOf, Nullable, OneOf, Record, Shape, fields_of, shape_of

GOLDEN = Path(__file__).resolve().parents[3] / "golden" / "events"
SAMPLES: dict[Any, Any] = {
    str: "text",
    int: 3,
    Decimal: Decimal("97.60"),
    UUID: UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7"),
    date: date(2026, 1, 2),
    datetime: datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
}


def sample_of(shape: Shape) -> Any:
    """Return a value of a field's type."""
    match shape:
        case Leaf(kind):
            return SAMPLES[kind]
        case Record(cls):
            return cls(**{field.name: sample_of(field.shape) for field in fields_of(cls)})
        case ListOf(item):
            return (sample_of(item),)
        case Nullable(value):
            return sample_of(value)
        case OneOf(values):
            return values[0]


def event_types() -> list[EventType]:
    """Return the registered types of the project, without those of the tests."""
    return [event_type for event_type in registry if not event_type.cls.__module__.startswith("tests.")]


def golden_file(event_type: EventType) -> Path:
    """Return the path of the golden file of a type's schema version."""
    return GOLDEN / f"{event_type.name}.v{event_type.schema_version}.json"


def test_every_stored_shape_has_its_golden_file() -> None:
    missing = [golden_file(event_type).name for event_type in event_types() if not golden_file(event_type).exists()]
    assert missing == []
    assert len(list(GOLDEN.iterdir())) >= 29


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_golden_payload_is_read_and_written_unchanged(path: Path) -> None:
    name, version = path.stem.split(".v")
    event_type = registry.named(name)
    payload = json.loads(path.read_text())
    upcast = event_type.upcasters.upcast(payload, int(version), event_type.schema_version)
    decoded = event_type.codec.decode(json.dumps(upcast))
    assert type(decoded) is event_type.cls
    assert json.loads(event_type.codec.encode(decoded)) == upcast
    if int(version) == event_type.schema_version:
        assert decoded == sample_of(shape_of(event_type.cls))


def write_missing() -> None:
    """Write the golden files of new shapes; existing files are not changed."""
    for event_type in event_types():
        path = golden_file(event_type)
        if not path.exists():
            encoded = json.loads(event_type.codec.encode(sample_of(shape_of(event_type.cls))))
            path.write_text(json.dumps(encoded, indent=2) + "\n")


if __name__ == "__main__":
    import django

    django.setup()
    write_missing()
