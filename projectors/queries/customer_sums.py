"""The sums of customers at any position, and of a past date as known then and as known now.

See Note [Sums of customers at any position].
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import UUIDField

from eventstore.consumers.checkpoints import LIVE_GENERATION
from ledger import as_of
from projectors.queries.live import projector_of
from projectors.schema.customers import CustomerSum
from projectors.schema.sums import from_sqlite, sum_function
from projectors.tables.uuids import is_one_of, parameter_of

_QUERY: Final = Path(__file__).with_name("customer_sums.sql").read_text(encoding="utf-8")
_SUMS: Final = (
    "products",
    "overdue_products",
    "fees",
    "owed",
    "overdue",
    "fees_incurred",
    "fees_paid",
    "fees_waived",
)
# PostgreSQL would read every line to join them with the last ones by id; SQLite knows no LATERAL.
_LAST_LINE: Final = {
    "postgresql": {"join": "CROSS JOIN LATERAL", "columns": "*", "name": "AS line"},
    "sqlite": {"join": "JOIN projectors_customerline AS line ON line.id =", "columns": "id", "name": ""},
}
_UUID: Final = UUIDField()
_BATCH: Final = 1000


class CustomerFigures(NamedTuple):
    """The sums of a customer in a currency, in minor units; `position` is the last event that changed them."""

    company_uuid: UUID
    currency: str
    minor_digits: int
    products: int
    overdue_products: int
    fees: int
    owed: int
    overdue: int
    fees_incurred: int
    fees_paid: int
    fees_waived: int
    position: int

    @property
    def principal(self) -> int:
        """What is outstanding of principal."""
        return self.owed - self.fees


@dataclass(frozen=True, slots=True)
class Moment:
    """When sums are taken: those `through` a position, and with a date the late fees that count for it.

    Late fees count if they were recorded at or below `up_to`.
    """

    through: int
    counted: date | None = None
    up_to: int = 0


@dataclass(frozen=True, slots=True)
class Which:
    """Which customers: one company or some, those with sums in a currency, those after a company and a currency."""

    company_uuid: UUID | None = None
    currency: str | None = None
    after: tuple[UUID, str] | None = None
    companies: frozenset[UUID] | None = None

    def condition(self, parameters: dict[str, Any], connection: BaseDatabaseWrapper) -> str:
        """Return the condition with a place for a table's name, and add its parameters."""
        condition = ""
        if self.company_uuid is not None:
            condition += " AND {table}.company_uuid = %(company)s"
            parameters["company"] = _UUID.get_db_prep_value(self.company_uuid, connection)
        if self.currency is not None:
            condition += " AND {table}.currency = %(currency)s"
            parameters["currency"] = self.currency
        if self.after is not None:
            condition += " AND ({table}.company_uuid, {table}.currency) > (%(after)s, %(after_currency)s)"
            parameters["after"] = _UUID.get_db_prep_value(self.after[0], connection)
            parameters["after_currency"] = self.after[1]
        if self.companies is not None:
            condition += f" AND {{table}}.company_uuid {is_one_of(connection, 'companies')}"
            parameters["companies"] = parameter_of(connection, (uuid.hex for uuid in self.companies))
        return condition


EVERY: Final = Which()


def moment(up_to: int, business_date: date | None = None) -> Moment:
    """Return the moment of a position, or with a date that of its end as known at the position."""
    if business_date is None:
        return Moment(up_to)
    # The cycle that ends a date is booked on it and makes things overdue on the next one.
    next_cycle = as_of.booked_to(business_date)
    return Moment(up_to if next_cycle is None else min(next_cycle - 1, up_to), business_date, up_to)


def moment_began(business_date: date, up_to: int, *, known_now: bool) -> Moment:
    """Return the moment at which a date began: nothing of the date itself counts, but what it makes overdue is."""
    through = min(as_of.began(business_date), up_to)
    return Moment(through, business_date - timedelta(days=1), up_to) if known_now else Moment(through)


def customer_sums(
    at: Moment, which: Which = EVERY, *, by: str | None = None, limit: int | None = None, start: int = 0
) -> Iterator[CustomerFigures]:
    """Yield the sums of customers: the greatest first, or in order of company and currency.

    Without a limit the rows are read as needed.
    """
    connection = connections[settings.READ_DATABASE]
    parameters = _parameters(at, connection)
    condition = which.condition(parameters, connection)
    statement = _QUERY.format(
        live_generation=LIVE_GENERATION,
        sums=", ".join(f"{sum_function(connection)}({name}) AS {name}" for name in _SUMS),
        customer=condition.format(table="customer"),
        fee=condition.format(table="fee"),
        owing=condition.format(table="owing"),
        order=_order(by),
        **_LAST_LINE[connection.vendor],
    )
    if limit is not None:
        statement += " LIMIT %(limit)s OFFSET %(start)s"
        parameters |= {"limit": limit, "start": start}
    with _cursor(connection, whole=limit is not None) as cursor:
        cursor.execute(statement, parameters)
        yield from _rows(cursor, connection)


def _parameters(at: Moment, connection: BaseDatabaseWrapper) -> dict[str, Any]:
    return {
        "name": projector_of(CustomerSum),
        "through": at.through,
        "date": connection.ops.adapt_datefield_value(at.counted or date.min),
        "up_to": at.up_to,
    }


def _order(by: str | None) -> str:
    if by is None:
        return "company_uuid, currency, minor_digits"
    if by not in _SUMS:
        message = f"customers have no sum {by}"
        raise ValueError(message)
    return f"{by} DESC, company_uuid, currency, minor_digits"


def _cursor(connection: BaseDatabaseWrapper, *, whole: bool) -> CursorWrapper:
    """Return a cursor that reads all rows at once, or as needed if the connection can do that."""
    if whole or connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
        return connection.cursor()
    return connection.chunked_cursor()


def _rows(cursor: CursorWrapper, connection: BaseDatabaseWrapper) -> Iterator[CustomerFigures]:
    is_sqlite = connection.vendor == "sqlite"
    while some := cursor.fetchmany(_BATCH):
        for company_uuid, currency, digits, *figures, position in some:
            sums = (from_sqlite(figure) if is_sqlite else int(figure) for figure in figures)
            uuid = company_uuid if isinstance(company_uuid, UUID) else UUID(company_uuid)
            yield CustomerFigures._make((uuid, currency, digits, *sums, position))
