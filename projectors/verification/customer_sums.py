"""What each customer must owe in all, added up from the products that the streams fold to."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from ledger.rules.money import digits_of, to_minor
from projectors.models import CustomerSum
from projectors.queries.live import live
from projectors.verification.differences import Party, compare
from projectors.verification.streams import Entity

_MONEY: Final = ("principal", "fees", "owed", "overdue", "fees_incurred", "fees_paid", "fees_waived")
_ACCOUNTS: Final = {column: column for column in _MONEY}
_COLUMNS: Final = ("products", "overdue_products", *_MONEY)


class CustomerSums:
    """Adds up products by customer and currency, as of the position of the read model."""

    def __init__(self, position: int, today: date | None) -> None:
        self._position = position
        self._today = today
        self._sums: dict[tuple[UUID, str, int], dict[str, Any]] = {}

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
        return len(found)
