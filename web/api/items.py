"""Items of lists: the JSON of a row of a read model, and its schema, both made from the table."""

from collections.abc import Mapping
from datetime import date
from types import GenericAlias
from typing import Any, Final, Generic, Literal, TypeVar
from uuid import UUID

from django.db.models import CharField, DateField, Field, JSONField, Model, QuerySet, UUIDField

from ledger.rules import money
from ledger.rules.events import DealCompany
from web.protocol import response_schemas

M = TypeVar("M", bound=Model)
_NO_CURRENCY_YET: Final = "currency"


class Item(Generic[M]):
    """An item of a list, described by the table of its rows: `shown` maps each field to its column.

    Columns in `amounts` are in minor units. `types` are the types of fields that the table does not know in full; `doc`
    describes the item if the description of the table's rows does not fit.
    """

    def __init__(  # noqa: PLR0913 - each is a word about the item
        self,
        rows: QuerySet[M],
        shown: Mapping[str, str],
        *,
        amounts: tuple[str, ...] = (),
        types: Mapping[str, Any] | None = None,
        name: str = "",
        doc: str = "",
    ) -> None:
        model = rows.model
        self._shown, self._amounts = shown, frozenset(amounts)
        fields = {field: self._type(model, column) for field, column in shown.items()} | dict(types or {})
        self.schema = response_schemas.new_schema(name or model.__name__, doc or model.__doc__, fields)
        page = {"items": GenericAlias(list, (self.schema,)), "next": response_schemas.Next}
        self.page = response_schemas.new_schema(
            f"{self.schema.__name__}Page", "A page of a list, in the order of its key.", page
        )

    def _type(self, model: type[M], column: str) -> Any:
        if column in self._amounts:
            return response_schemas.Amount
        return _type_of(model._meta.get_field(column))  # type: ignore[arg-type]  # noqa: SLF001 - Django's own name

    def show(self, row: M) -> dict[str, Any]:
        """Return the JSON of a row."""
        return {field: self._value(row, column) for field, column in self._shown.items()}

    def _value(self, row: M, column: str) -> Any:
        value = getattr(row, column)
        if column in self._amounts:
            return money.from_minor(value, row.minor_digits)  # type: ignore[attr-defined] # each such table has it
        return None if column == _NO_CURRENCY_YET and not value else value


def same(*names: str) -> dict[str, str]:
    """Return a mapping of fields to columns of the same names."""
    return {name: name for name in names}


def _type_of(column: "Field[Any, Any]") -> Any:
    found: Any
    match column:
        case UUIDField():
            found = response_schemas.type_of(UUID)
        case DateField():
            found = response_schemas.type_of(date)
        case JSONField() if column.name == "companies":
            found = response_schemas.type_of(tuple[DealCompany, ...])
        case JSONField():
            found = dict[str, int]
        case CharField() if column.choices:
            found = Literal[tuple(value for value, _ in column.flatchoices)]
        case CharField():
            found = str
        case _:
            found = int
    return found | None if column.null or (column.name == _NO_CURRENCY_YET and column.blank) else found
