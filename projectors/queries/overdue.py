"""Finds the products that may have been overdue on a date at a position, a page at a time."""

import json
from datetime import date
from decimal import Decimal
from functools import lru_cache
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
_UUID: Final = UUIDField()


class Candidate(NamedTuple):
    """A product that owes now or has reached zero since the position; its fields but the last never change."""

    product_uuid: UUID
    asset_uuid: UUID | None
    due_date: date
    daily_late_fee_rate: Decimal
    late_fee_payer_role: str
    companies: tuple[tuple[UUID, str], ...]
    owing_again_position: int | None = None


def candidates(position: int, on: date, first: UUID, limit: int) -> list[Candidate]:
    """Return at most `limit` products from uuid `first` that were due before a date and may have owed at a position.

    A candidate certainly owed at the position, unless a reversal after it made the product owe again.
    The read model must have reached the position and may be ahead of it.
    """
    with connections[settings.READ_DATABASE].cursor() as cursor:
        cursor.execute(*statement(position, on, first, limit))
        return [_candidate(row) for row in cursor.fetchall()]


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
    index = _INDEX.get(connection.vendor, "")
    return _QUERY.format(index=index, live_generation=LIVE_GENERATION), parameters


def _candidate(row: tuple[Any, ...]) -> Candidate:
    product_uuid, asset_uuid, due_date, rate, role, companies, owing_again_position = row
    return Candidate(
        _uuid(product_uuid),
        None if asset_uuid is None else _uuid(asset_uuid),
        due_date if isinstance(due_date, date) else date.fromisoformat(due_date),
        Decimal(rate),
        role,
        _companies(companies),
        owing_again_position,
    )


@lru_cache(maxsize=1024)
def _companies(text: str) -> tuple[tuple[UUID, str], ...]:
    # The products of one deal have the same companies, and a page has many of them.
    return tuple((UUID(company["company_uuid"]), company["role"]) for company in json.loads(text))


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
