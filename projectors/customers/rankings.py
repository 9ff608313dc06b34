"""Keeps which customers have the greatest sums at some positions.

# Note [A ranking of the past visits few customers]
At each multiple of 10,000 positions the customers with the greatest sums are kept in order, at most 500 for each sum.
At a later position a customer is among the first only if it stood in that ranking, or if a line has changed its sums
since. So the ranking of any position is made of the one kept at or below it and of the lines between, at most some
thousands. What it says is certain down to the last customer that was kept. A ranking is made of the one before it in
the same way; only if less than half of it is left, all customers are ordered anew. While there are fewer customers than
a ranking has places, none is kept: the last lines of all of them are read as quickly.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.db import connections
from django.db.models import Max

from eventstore.consumers.checkpoints import LIVE_GENERATION
from projectors.models import CustomerLine, CustomerRanking, CustomerSum
from projectors.schema.sums import from_sqlite
from projectors.tables.layout import Row
from projectors.tables.table import Table
from projectors.tables.uuids import is_one_of, parameter_of

RANKINGS: Final = ("owed", "overdue", "fees_incurred", "fees")
"""The sums by which customers can be ranked."""
EVERY: Final = 10_000
"""Positions between two rankings."""
MOST: Final = 500
"""Places in a ranking."""

_CHANGED: Final = Path(__file__).with_name("changed.sql").read_text(encoding="utf-8")
_TABLE: Final = Table(CustomerRanking, key=("by", "through"))

Customer = tuple[str, str, int]
"""The uuid of a company in hexadecimal digits, a currency, and the digits after the point."""


class Ranked(NamedTuple):
    """A customer and its sum, in the order of a ranking."""

    descending: int
    customer: Customer

    @property
    def sum(self) -> int:
        """The sum by which the customer is ranked."""
        return -self.descending


class Leaders(NamedTuple):
    """The first customers in order: each of the others stands behind `last`."""

    certain: list[Ranked]
    last: Ranked


def leaders(kept: CustomerRanking, through: int, generation: int | None = None, using: str = "default") -> Leaders:
    """Return the leaders at a position at or above that of a ranking: of a generation, or of the one that answers."""
    before = [Ranked(-int(total), (uuid, currency, digits)) for uuid, currency, digits, total in kept.customers]
    found = {each.customer: each for each in before}
    found |= {each.customer: each for each in _changed(kept, before, through, generation, using)}
    certain = [each for each in sorted(found.values()) if each <= before[-1]]
    return Leaders(certain[:MOST], certain[MOST - 1] if len(certain) >= MOST else before[-1])


def _changed(
    kept: CustomerRanking, ranked: Iterable[Ranked], through: int, generation: int | None, using: str
) -> Iterator[Ranked]:
    """Yield customers whose sums have changed since: those with the greatest, and those that stood in the ranking."""
    connection = connections[using]
    parameters = {
        "name": "customers",
        "generation": generation,
        "after": kept.through,
        "through": through,
        "limit": MOST,
        "ranked": parameter_of(connection, (each.customer[0] for each in ranked)),
    }
    statement = _CHANGED.format(
        by=kept.by,
        generation=f"({LIVE_GENERATION})" if generation is None else "%(generation)s",
        is_ranked=is_one_of(connection, "ranked"),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for uuid, currency, digits, total in cursor.fetchall():
            yield Ranked(-_number(total), (str(uuid).replace("-", ""), currency, digits))


class Rankings:
    """The rankings that a batch makes."""

    def __init__(self, generation: int, using: str) -> None:
        self._generation, self._using = generation, using
        rows = self._rows(CustomerRanking)
        self._last: int = rows.aggregate(Max("through"))["through__max"] or 0

    def place_before(self, position: int) -> int | None:
        """Return the position of the ranking that must be kept before an event is handled, if there is one.

        That is so if no event has changed a sum since that position.
        """
        through = (position - 1) // EVERY * EVERY
        if through <= self._last:
            return None
        self._last = through
        newest = self._rows(CustomerLine).aggregate(Max("position"))["position__max"] or 0
        return through if newest <= through else None

    def keep(self, through: int) -> None:
        """Keep the rankings of a position; all sums through it are written, and none beyond it."""
        if self._rows(CustomerSum).order_by("id")[MOST : MOST + 1].exists():
            _TABLE.insert([self._row(by, through) for by in RANKINGS], self._generation, self._using)

    def _row(self, by: str, through: int) -> Row:
        ranked = self._ranked(by, through)
        customers = json.dumps([(*each.customer, each.sum) for each in ranked])
        return {"position": through, "by": by, "through": through, "customers": customers}

    def _ranked(self, by: str, through: int) -> list[Ranked]:
        kept = self._rows(CustomerRanking).filter(by=by).order_by("-through").first()
        if kept is not None:
            certain = leaders(kept, through, self._generation, self._using).certain
            if len(certain) * 2 >= MOST:
                return certain
        return [*self.in_order(by, through)]

    def in_order(self, by: str, _through: int) -> Iterable[Ranked]:
        """Return the first customers of all: the sums as they are now are those of the position."""
        order = (f"-{by}", "company_uuid", "currency", "minor_digits")
        rows = self._rows(CustomerSum).order_by(*order).values_list("company_uuid", "currency", "minor_digits", by)
        return [Ranked(-total, (uuid.hex, currency, digits)) for uuid, currency, digits, total in rows[:MOST]]

    def _rows(self, model: Any) -> Any:
        return model.objects.using(self._using).filter(generation=self._generation)


def _number(stored: Any) -> int:
    return from_sqlite(stored) if isinstance(stored, str) else int(stored)
