"""Keeps which customers have the greatest sums at some positions.

# Note [A ranking of the past visits few customers]
At each multiple of 10,000 positions the customers with the greatest sums are kept in order, at most 500 for each sum.
At a later position a customer is among the first only if it stood in that ranking, or if a line has changed its sums
since. So the ranking of any position is made of the one kept at or below it and of the lines between, at most some
thousands. What it says is certain down to the last customer that was kept. A ranking is made of the one before it in
the same way; only if less than half of it is left, all customers are ordered anew.

If many customers fall between two rankings, few places are certain by the first one. Then the second one is asked too,
or behind the last one the present sums. A customer that stood in neither, and had no line between them, had the same
sum all the time, so it stands behind the last of both.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
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
_GREATEST: Final = (
    "SELECT * FROM (SELECT * FROM changed ORDER BY {0} DESC, company_uuid, currency, minor_digits LIMIT %(limit)s)"
    " AS by_{0}"
)
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


NOBODY: Final = Ranked(10**60, ("", "", 0))
"""What stands behind every customer: the last of a ranking that has all of them."""


class Leaders(NamedTuple):
    """The first customers in order: each of the others stands behind `last`, which is NOBODY if there are no others."""

    certain: list[Ranked]
    last: Ranked


def leaders(
    kept: Sequence[CustomerRanking], through: int, generation: int | None = None, using: str = "default"
) -> list[Leaders]:
    """Return the leaders at a position for each ranking of one position that is not above it.

    They are those of a generation, or of the one that answers.
    """
    changed = _changed(kept, through, generation, using)
    return [_leaders(row, sums) for row, sums in zip(kept, changed, strict=True)]


def ranked_in(kept: CustomerRanking) -> Leaders:
    """Return the customers of a ranking that was kept."""
    places = [Ranked(-int(total), (uuid, currency, digits)) for uuid, currency, digits, total in kept.customers]
    return Leaders(places, NOBODY if kept.is_all else places[-1])


def _leaders(kept: CustomerRanking, changed: Mapping[Customer, int]) -> Leaders:
    before, last = ranked_in(kept)
    still = [each for each in before if each.customer not in changed]
    risen = [Ranked(-total, customer) for customer, total in changed.items() if total >= last.sum]
    certain = sorted([*still, *(each for each in risen if each <= last)])
    return Leaders(certain[:MOST], certain[MOST - 1] if len(certain) >= MOST else last)


def _changed(
    kept: Sequence[CustomerRanking], through: int, generation: int | None, using: str
) -> list[dict[Customer, int]]:
    """Return for each ranking the sums that have changed since: the greatest, and those of customers that stood in it.

    It may have others, too.
    """
    connection = connections[using]
    parameters = {
        "name": "customers",
        "generation": generation,
        "after": kept[0].through,
        "through": through,
        "limit": MOST,
        "ranked": parameter_of(connection, (uuid for row in kept for uuid, *_ in row.customers)),
    }
    statement = _CHANGED.format(
        sums=", ".join(row.by for row in kept),
        generation=f"({LIVE_GENERATION})" if generation is None else "%(generation)s",
        greatest="\nUNION\n".join(_GREATEST.format(row.by) for row in kept),
        is_ranked=is_one_of(connection, "ranked"),
    )
    found: list[dict[Customer, int]] = [{} for _ in kept]
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for uuid, currency, digits, *totals in cursor.fetchall():
            customer = (str(uuid).replace("-", ""), currency, digits)
            for sums, total in zip(found, totals, strict=True):
                sums[customer] = _number(total)
    return found


class Rankings:
    """The rankings that a batch makes."""

    def __init__(self, generation: int, using: str) -> None:
        self._generation, self._using = generation, using
        self._last = self._newest()

    def place_before(self, position: int) -> int | None:
        """Return the position of the ranking that must be kept before an event is handled, if there is one.

        That is so if no event has changed a sum since that position.
        """
        through = (position - 1) // EVERY * EVERY
        if through <= self._last:
            return None
        self._last = through
        lines = self._rows(CustomerLine).aggregate(newest=Max("position"))
        return through if (lines["newest"] or 0) <= through else None

    def keep(self, through: int) -> None:
        """Keep the rankings of a position; all sums through it are written, and none beyond it."""
        rows = {row.by: row for row in self._rows(CustomerRanking).filter(through=self._newest())}
        kept = [rows[by] for by in RANKINGS if by in rows]
        found = leaders(kept, through, self._generation, self._using) if kept else []
        before = {row.by: one for row, one in zip(kept, found, strict=True)}
        made: list[Row] = []
        for by in RANKINGS:
            one = before.get(by)
            if one is None or (one.last != NOBODY and len(one.certain) * 2 < MOST):
                one = self._anew(by, through)
            customers = json.dumps([(*each.customer, each.sum) for each in one.certain])
            of_ranking = {"by": by, "through": through, "customers": customers, "is_all": one.last == NOBODY}
            made.append({"position": through, **of_ranking})
        _TABLE.insert(made, self._generation, self._using)

    def _anew(self, by: str, through: int) -> Leaders:
        ranked = list(self.in_order(by, through))
        return Leaders(ranked, NOBODY if len(ranked) < MOST else ranked[-1])

    def in_order(self, by: str, _through: int) -> Iterable[Ranked]:
        """Return the first customers of all: the sums as they are now are those of the position."""
        order = (f"-{by}", "company_uuid", "currency", "minor_digits")
        rows = self._rows(CustomerSum).order_by(*order).values_list("company_uuid", "currency", "minor_digits", by)
        return [Ranked(-total, (uuid.hex, currency, digits)) for uuid, currency, digits, total in rows[:MOST]]

    def _newest(self) -> int:
        """Return the position of the newest rankings, which is that of the newest one of any kind."""
        newest = self._rows(CustomerRanking).filter(by=RANKINGS[0]).aggregate(newest=Max("through"))["newest"]
        return int(newest or 0)

    def _rows(self, model: Any) -> Any:
        return model.objects.using(self._using).filter(generation=self._generation)


def _number(stored: Any) -> int:
    return from_sqlite(stored) if isinstance(stored, str) else int(stored)
