"""Writes docs/events.md from the registry, so that the document never differs from the code."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from eventstore.payloads.registry import EventType, registry
from eventstore.payloads.type_hints import (
    MISSING,
    Field,
    Leaf,
    ListOf,
    Nullable,
    OneOf,
    Record,
    Shape,
    fields_of,
    records_in,
)

JSON: Final = {
    UUID: "uuid",
    Decimal: "decimal, as text",
    date: "date, as text",
    datetime: "moment in UTC, as text",
    str: "text",
    int: "whole number",
    bool: "true or false",
}
INTRODUCTION: Final = """# Events

Every event type of the registry, with the streams in which it occurs and the stored fields of its payload.
Written by `manage.py describe_events`; `make check` fails if it differs from the code.
"""


class Command(BaseCommand):
    """Writes the document, or compares it with the code."""

    help = "Writes docs/events.md from the registry; with --check it only says whether the file is up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--check`."""
        parser.add_argument("--check", action="store_true", help="write nothing; fail if the document is out of date")

    def handle(self, *_args: object, check: bool, **_options: object) -> None:
        """Write the document if it differs from the code; with `check`, fail instead."""
        path = Path(settings.BASE_DIR) / "docs" / "events.md"
        text = "\n".join(document(list(registry)))
        if path.exists() and path.read_text() == text:
            return
        if check:
            raise CommandError("docs/events.md is out of date: run manage.py describe_events")
        path.write_text(text)
        self.stdout.write(f"wrote {path}")


def document(event_types: list[EventType]) -> Iterator[str]:
    """Yield the lines: each category with its events, then the parts of events."""
    yield INTRODUCTION
    parts: dict[type, None] = {}
    categories = dict.fromkeys(category for event_type in event_types for category in event_type.categories)
    for category in categories:
        yield f"## Streams of {category}\n"
        for event_type in event_types:
            if category in event_type.categories[:1]:
                yield from described(event_type.name, event_type.cls, f", schema version {event_type.schema_version}")
                parts |= dict.fromkeys(parts_of(event_type.cls))
            elif category in event_type.categories:
                yield f"### {event_type.name}, as above\n"
    yield "## Parts of events\n"
    for part in parts:
        yield from described(part.__name__, part, "")


def described(name: str, cls: type, remark: str) -> Iterator[str]:
    """Yield a class's heading, its sentence and the table of its fields."""
    yield f"### {name}{remark}\n\n{(cls.__doc__ or '').strip()}\n"
    rows = [f"| `{field.name}` | {json_of(field.shape)} | {default_of(field)} |" for field in fields_of(cls)]
    yield "\n".join(["| field | JSON | if left out |", "|---|---|---|", *rows, ""])


def json_of(shape: Shape) -> str:
    """Return the form of a field in JSON."""
    match shape:
        case Leaf(kind):
            return JSON[kind]
        case Record(cls):
            return f"[{cls.__name__}](#{cls.__name__.lower()})"
        case ListOf(item):
            return f"list of {json_of(item)}"
        case Nullable(value):
            return f"{json_of(value)} or null"
        case OneOf(values):
            return " or ".join(f"`{value}`" for value in values)


def default_of(field: Field) -> str:
    """Return the value that a field has if it is left out, or `refused` if it must be given."""
    return "refused" if field.default is MISSING else f"`{field.default}`".replace("None", "null")


def parts_of(cls: type) -> Iterator[type]:
    """Yield the dataclasses in an event's fields."""
    for field in fields_of(cls):
        yield from records_in(field.shape)
