"""Converts values of the ledger to JSON. Decimals, uuids, dates and timestamps become strings and lose no digit."""

import dataclasses
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


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
