"""Writes docs/events.md from the registry, so that the document never differs from the code."""

import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from eventstore.payloads.registry import EventType, registry

JSON: Final = {
    UUID: "uuid",
    Decimal: "decimal, as text",
    date: "date, as text",
    datetime: "moment in UTC, as text",
    str: "text",
    int: "whole number",
    bool: "true or false",
    types.NoneType: "null",
}
INTRODUCTION: Final = """# Events

Every event type of the registry, with the streams that it occurs in and the fields of its payload as they are stored.
Written by `manage.py describe_events`; `make check` fails where it differs from the code.
"""


class Command(BaseCommand):
    """Write the document, or compare it."""

    help = "Writes docs/events.md from the registry; with --check only says whether it is up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the choice not to write."""
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail where the document is out of date"
        )

    def handle(self, *_args: object, check: bool, **_options: object) -> None:
        """Write the document where it differs; with `check` refuse to."""
        path = Path(settings.BASE_DIR) / "docs" / "events.md"
        text = "\n".join(document(list(registry)))
        if path.exists() and path.read_text() == text:
            return
        if check:
            raise CommandError("docs/events.md is out of date: run manage.py describe_events")
        path.write_text(text)
        self.stdout.write(f"wrote {path}")


def document(event_types: list[EventType]) -> Iterator[str]:
    """Yield the lines: each category with its events, then the values that events are made of."""
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
    hints = typing.get_type_hints(cls)
    rows = [f"| `{field.name}` | {kind(hints[field.name])} | {default(field)} |" for field in fields(cls)]
    yield "\n".join(["| field | JSON | where it is left out |", "|---|---|---|", *rows, ""])


def kind(hint: Any) -> str:
    """Return what a field holds in JSON."""
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is tuple:
        return f"list of {kind(arguments[0])}"
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if arguments:
        return " or ".join(map(kind, arguments))
    return JSON.get(hint) or f"[{hint.__name__}](#{hint.__name__.lower()})"


def default(field: "Field[Any]") -> str:
    """Return what stands for a field that is left out, or that it may not be."""
    return "refused" if field.default is MISSING else f"`{field.default}`".replace("None", "null")


def parts_of(cls: type) -> Iterator[type]:
    """Yield the dataclasses that an event's fields are made of."""
    for hint in typing.get_type_hints(cls).values():
        for part in (hint, *typing.get_args(hint)):
            if is_dataclass(part) and isinstance(part, type):
                yield part
