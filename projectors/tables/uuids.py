"""A condition on many uuids, for statements that are written by hand."""

import json
from collections.abc import Iterable
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

_CONDITIONS: Final = {
    "postgresql": "= ANY(%({0})s::uuid[])",
    "sqlite": "IN (SELECT value FROM json_each(%({0})s))",
}


def is_one_of(connection: BaseDatabaseWrapper, parameter: str) -> str:
    """Return the condition that a column holds one of the uuids in a parameter; the column's name stands before it."""
    return _CONDITIONS[connection.vendor].format(parameter)


def parameter_of(connection: BaseDatabaseWrapper, uuids: Iterable[str]) -> list[str] | str:
    """Return the parameter of uuids in hexadecimal digits, without hyphens."""
    given = sorted(set(uuids))
    return json.dumps(given) if connection.vendor == "sqlite" else given
