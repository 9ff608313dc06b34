"""Finds the products that may have been overdue on a date at a position, a page at a time."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.db.models import UUIDField

from eventstore.consumers.checkpoints import LIVE_GENERATION
from projectors.queries.live import projector_of
from projectors.schema.products import FinancialProduct

FIRST: Final = UUID(int=0)
LAST: Final = UUID(int=2**128 - 1)
_QUERY: Final = Path(__file__).with_name("overdue.sql").read_text(encoding="utf-8")
# SQLite keeps no statistics and would walk over every product by its key.
_INDEX: Final = {"sqlite": "INDEXED BY financial_product_zero"}
_AS_TEXT: Final = {"postgresql": "::text"}
_UUID: Final = UUIDField()


class Candidate(NamedTuple):
    """A product that owes now or has reached zero since the position; its fields but the last never change.

    The rate is text as it was recorded, and the companies are a list of {company_uuid, role} as JSON.
    """

    product_uuid: str
    asset_uuid: str | None
    due_date: date
    daily_late_fee_rate: str
    late_fee_payer_role: str
    companies: str
    owing_again_position: int | None = None


def candidates(position: int, on: date, first: UUID, limit: int) -> list[Candidate]:
    """Return at most `limit` products from uuid `first` that were due before a date and may have owed at a position.

    A candidate certainly owed at the position, unless a reversal after it made the product owe again.
    The read model must have reached the position and may be ahead of it.
    """
    connection = connections[settings.READ_DATABASE]
    with connection.cursor() as cursor:
        cursor.execute(*statement(position, on, first, limit))
        return [*map(_MADE_OF_ROW[connection.vendor], cursor.fetchall())]


def statement(position: int, on: date, first: UUID, limit: int) -> tuple[str, dict[str, Any]]:
    """Return the SQL for the read models' database, and its parameters."""
    connection = connections[settings.READ_DATABASE]
    parameters = {
        "position": position,
        "date": connection.ops.adapt_datefield_value(on),
        "first": _UUID.get_db_prep_value(first, connection),
        "last": _UUID.get_db_prep_value(LAST, connection),
        "limit": limit,
        "name": projector_of(FinancialProduct),
    }
    index, text = _INDEX.get(connection.vendor, ""), _AS_TEXT.get(connection.vendor, "")
    return _QUERY.format(index=index, as_text=text, live_generation=LIVE_GENERATION), parameters


def _candidate_of_sqlite(row: tuple[Any, ...]) -> Candidate:
    """Make a candidate of a row of SQLite: a uuid is 32 hexadecimal digits, and a date may be text."""
    product_uuid, asset_uuid, due_date, *rest = row
    return Candidate(
        str(UUID(product_uuid)),
        None if asset_uuid is None else str(UUID(asset_uuid)),
        due_date if isinstance(due_date, date) else date.fromisoformat(due_date),
        *rest,
    )


_MADE_OF_ROW: Final[dict[str, Callable[[tuple[Any, ...]], Candidate]]] = {
    "postgresql": Candidate._make,
    "sqlite": _candidate_of_sqlite,
}
