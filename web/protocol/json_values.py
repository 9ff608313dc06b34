"""Converts values of the ledger to JSON. Decimals, uuids, dates and timestamps become strings and lose no digit."""

import dataclasses
import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse


def to_json(value: Any) -> Any:
    """Return a value as the types that JSON has."""
    match value:
        case Decimal():
            return f"{value:f}"
        case UUID():
            return str(value)
        case date() | datetime():
            return value.isoformat()
        case tuple() | list() | frozenset():
            return [to_json(item) for item in value]
        case dict():
            return {name: to_json(member) for name, member in value.items()}
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case _:
            return value


def json_response(content: dict[str, Any] | list[dict[str, Any]]) -> HttpResponse:
    """Return a response whose body is the content as JSON."""
    return raw_json_response(json.dumps(to_json(content)))


def raw_json_response(content: str) -> HttpResponse:
    """Return a response whose body is JSON already."""
    return HttpResponse(content, content_type="application/json")
