"""What customers must owe in all, and products by due date, added up from the products that the streams fold to."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from ledger.rules.money import digits_of, to_minor
from projectors.models import CustomerSum, DueSum
from projectors.queries.live import live
from projectors.verification.differences import Difference, Party, compare
from projectors.verification.streams import Entity

_MONEY: Final = ("principal", "fees", "owed", "overdue", "fees_incurred", "fees_paid", "fees_waived")
_ACCOUNTS: Final = {column: column for column in _MONEY}
_OF_DUE: Final = ("products", "owing", "owed", "fees")
_COLUMNS: Final = ("products", "overdue_products", *_MONEY)


class CustomerSums:
    """Adds up products by customer and currency, as of the position of the read model."""

    def __init__(self, position: int, today: date | None) -> None:
        self._position = position
        self._today = today
        self._sums: dict[tuple[UUID, str, int], dict[str, Any]] = {}
        self._due: dict[tuple[Any, ...], list[int]] = {}

    def add(self, products: Sequence[Entity]) -> None:
        """Add some products."""
        for entity in products:
            view = entity.at.get(self._position)
            if view is not None and view.state.exists:
                self._add(view.state)

    def _add(self, product: Any) -> None:
        key = (product.obligor_company_uuid, product.currency, digits_of(product.principal))
        empty = {**dict.fromkeys(_COLUMNS, 0), "currency": key[1], "minor_digits": key[2]}
        total = self._sums.setdefault(key, empty)
        principal, fees = to_minor(product.principal_outstanding), to_minor(product.fees_outstanding)
        is_overdue = self._today is not None and product.due_date < self._today
        total["products"] += bool(principal or fees)
        total["overdue_products"] += is_overdue and bool(principal or fees)
        total["principal"] += principal
        total["fees"] += fees
        total["owed"] += principal + fees
        total["overdue"] += principal + fees if is_overdue else 0
        due = self._due.setdefault((*key[1:], product.due_date, str(product.status)), [0] * len(_OF_DUE))
        for place, figure in enumerate((1, bool(principal or fees), principal + fees, fees)):
            due[place] += figure
        for column in ("fees_incurred", "fees_paid", "fees_waived"):
            total[column] += to_minor(getattr(product, column))

    def compare(self) -> int:
        """Compare the sums with the rows and return the number of rows; raises Difference."""
        found = {(row["company_uuid"], row["currency"], row["minor_digits"]): row for row in live(CustomerSum).values()}
        for key in sorted(self._sums.keys() | found.keys(), key=str):
            compare(
                "customers",
                Party("customer", key[0]),
                self._sums.get(key),
                found.get(key),
                dict(zip(_MONEY, _MONEY, strict=True)),
            )
        return len(found) + self._compare_due()

    def _compare_due(self) -> int:
        rows = {
            (row.currency, row.minor_digits, row.due_date, row.status): [getattr(row, column) for column in _OF_DUE]
            for row in live(DueSum).filter(products__gt=0)
        }
        for key in sorted(self._due.keys() | rows.keys(), key=str):
            if self._due.get(key) != rows.get(key):
                party = Party("due date", " ".join(map(str, key)))
                raise Difference(
                    "sums by due date", "products, owing, owed, fees", party, self._due.get(key), rows.get(key)
                )
        return len(rows)
