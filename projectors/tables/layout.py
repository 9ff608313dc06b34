"""A read model's table as SQL sees it: its name, its key, its columns and their types."""

from typing import Any, Final

from django.db import models

Row = dict[str, Any]
"""Plain values by column: numbers, and text as events have it (uuids with hyphens, dates in ISO form, JSON)."""

Key = tuple[Any, ...]
"""The values of a row's key, or the names of its columns."""

ID: Final = "id"
# The types have no length: a cast to varchar(n) cuts a text that is too long, without an error.
_TYPES: Final = {
    "IntegerField": "integer",
    "SmallIntegerField": "smallint",
    "BigIntegerField": "bigint",
    "BooleanField": "boolean",
    "DateField": "date",
    "UUIDField": "uuid",
    "JSONField": "jsonb",
    "SumField": "numeric",
}


class Layout:
    """Names and types: `key` names a row within a generation; `changing` may change, `reading` is only read."""

    def __init__(self, model: type[models.Model], *, key: Key, changing: Key, reading: Key) -> None:
        self.name = model._meta.db_table  # noqa: SLF001 - Django's own name
        self.key = key
        self.changing = changing
        self.loaded = (*key, *changing, *reading)
        fields = [f for f in model._meta.concrete_fields if f.name not in {ID, "generation"}]  # noqa: SLF001
        self.types = {field.name: _TYPES.get(field.get_internal_type(), "text") for field in fields}
        self.columns = tuple(self.types)
        self.uuids = frozenset(column for column, type_ in self.types.items() if type_ == "uuid")
        self.dates = frozenset(column for column, type_ in self.types.items() if type_ == "date")
        self.sums = frozenset(column for column, type_ in self.types.items() if type_ == "numeric")
