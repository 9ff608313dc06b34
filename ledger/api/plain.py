"""Values of the ledger as JSON carries them: decimals, uuids, dates and moments are text, and lose no digit."""

import dataclasses
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


def plain(value: Any) -> Any:  # noqa: ANN401 - any value, any JSON
    """Return the value as JSON's own types."""
    match value:
        case Decimal():
            return f"{value:f}"
        case UUID():
            return str(value)
        case date() | datetime():
            return value.isoformat()
        case tuple() | list() | frozenset():
            return [plain(one) for one in value]
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case _:
            return value
