"""Which products were overdue at the position of a cycle, found through the read model and judged by the events."""

import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.db.models import UUIDField

from eventstore.records import stream_id
from eventstore.store import read_stream
from ledger.rules.aggregates import product

FIRST: Final = UUID(int=0)
_LAST: Final = UUID(int=2**128 - 1)
_QUERY: Final = Path(__file__).parents[1].joinpath("projectors/overdue.sql").read_text(encoding="utf-8")
# SQLite keeps no statistics and would walk over every product by its key.
_INDEX: Final = {"sqlite": "INDEXED BY financial_product_zero"}
_UUID: Final = UUIDField()


class Overdue(NamedTuple):
    """What a late fee needs to know of a product; all of it is as it was originated."""

    product_uuid: UUID
    asset_uuid: UUID | None
    due_date: date
    daily_late_fee_rate: Decimal
    late_fee_payer_role: str
    companies: tuple[tuple[UUID, str], ...]


class Page(NamedTuple):
    """Some of the overdue products, and the product_uuid with which the next page begins, None after the last."""

    products: list[Overdue]
    next: UUID | None


def overdue_page(position: int, on: date, first: UUID, limit: int) -> Page:
    """Return the products from uuid `first` that were overdue on a date at a position, from at most `limit` rows.

    The read model must have seen that position and may be ahead of it.
    """
    rows = _rows(position, on, first, limit)
    products = [_overdue(row) for row in rows if row[-1] is None or row[-1] < position or _owed_at(row[0], position)]
    if len(rows) < limit:
        return Page(products, None)
    last = _uuid(rows[-1][0])
    return Page(products, None if last == _LAST else UUID(int=last.int + 1))


def _rows(position: int, on: date, first: UUID, limit: int) -> list[tuple[Any, ...]]:
    with connections[settings.READ_DATABASE].cursor() as cursor:
        cursor.execute(*query(position, on, first, limit))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def query(position: int, on: date, first: UUID, limit: int) -> tuple[str, dict[str, Any]]:
    """Return the statement that finds the products, as the read model's database wants it, and its parameters."""
    connection = connections[settings.READ_DATABASE]
    parameters = {
        "position": position,
        "date": connection.ops.adapt_datefield_value(on),
        "first": _UUID.get_db_prep_value(first, connection),
        "last": _UUID.get_db_prep_value(_LAST, connection),
        "limit": limit,
    }
    return _QUERY.format(index=_INDEX.get(connection.vendor, "")), parameters


def _owed_at(product_uuid: UUID | str, position: int) -> bool:
    """Fold the product's own events: a reversal has made it owe again since, so its row no longer tells."""
    events = read_stream(stream_id("product", _uuid(product_uuid)), up_to=position)
    data: Iterable[Any] = (event.data for event in events)
    return reduce(product.evolve, data, product.INITIAL).principal_outstanding > 0


def _overdue(row: tuple[Any, ...]) -> Overdue:
    product_uuid, asset_uuid, due_date, rate, role, companies, _ = row
    return Overdue(
        _uuid(product_uuid),
        None if asset_uuid is None else _uuid(asset_uuid),
        due_date if isinstance(due_date, date) else date.fromisoformat(due_date),
        Decimal(rate),
        role,
        _companies(companies),
    )


@lru_cache(maxsize=1024)
def _companies(text: str) -> tuple[tuple[UUID, str], ...]:
    # The products of one deal say the same, and a chunk has many of them.
    return tuple((UUID(company["company_uuid"]), company["role"]) for company in json.loads(text))


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
