"""Items of lists: how a row of a read model is shown, and the schema of that, both made from the table itself."""

from collections.abc import Mapping
from datetime import date
from types import GenericAlias
from typing import Any, Final, Generic, Literal, TypeVar
from uuid import UUID

from django.db.models import CharField, DateField, Field, JSONField, Model, UUIDField

from ledger.rules import money
from ledger.rules.events import DealCompany
from web.protocol import response_schemas

M = TypeVar("M", bound=Model)
_NO_CURRENCY_YET: Final = "currency"


class Item(Generic[M]):
    """An item of a list: `shown` names the column of each field; `amounts` are in minor units there.

    `kinds` are the types of fields that the table tells less about than there is to tell; `doc` says what the item is
    where that is not what the table says of its rows.
    """

    def __init__(  # noqa: PLR0913 - each is a word about the item
        self,
        model: type[M],
        shown: Mapping[str, str],
        *,
        amounts: tuple[str, ...] = (),
        kinds: Mapping[str, Any] | None = None,
        name: str = "",
        doc: str = "",
    ) -> None:
        self.model = model
        self._shown, self._amounts = shown, frozenset(amounts)
        fields = {field: self._kind(column) for field, column in shown.items()} | dict(kinds or {})
        self.schema = response_schemas.make(name or model.__name__, doc or model.__doc__, fields)
        page = {"items": GenericAlias(list, (self.schema,)), "next": response_schemas.Next}
        self.page = response_schemas.make(
            f"{self.schema.__name__}Page", "A page of a list, in the order of its key.", page
        )

    def _kind(self, column: str) -> Any:
        if column in self._amounts:
            return response_schemas.Amount
        return _kind_of(self.model._meta.get_field(column))  # type: ignore[arg-type]  # noqa: SLF001 - Django's own name

    def show(self, row: M) -> dict[str, Any]:
        """Return a row as it is shown."""
        return {field: self._value(row, column) for field, column in self._shown.items()}

    def _value(self, row: M, column: str) -> Any:
        value = getattr(row, column)
        if column in self._amounts:
            return money.from_minor(value, row.minor_digits)  # type: ignore[attr-defined] # each such table has it
        return None if column == _NO_CURRENCY_YET and not value else value


def same(*names: str) -> dict[str, str]:
    """Return columns that are shown under their own names."""
    return {name: name for name in names}


def _kind_of(column: "Field[Any, Any]") -> Any:
    kind: Any
    match column:
        case UUIDField():
            kind = response_schemas.shape(UUID)
        case DateField():
            kind = response_schemas.shape(date)
        case JSONField() if column.name == "companies":
            kind = response_schemas.shape(tuple[DealCompany, ...])
        case JSONField():
            kind = dict[str, int]
        case CharField() if column.choices:
            kind = Literal[tuple(value for value, _ in column.flatchoices)]
        case CharField():
            kind = str
        case _:
            kind = int
    return kind | None if column.null or (column.name == _NO_CURRENCY_YET and column.blank) else kind
