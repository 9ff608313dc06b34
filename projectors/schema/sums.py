"""Whole numbers without a limit, for sums of money in minor units.

# Note [Sums do not overflow]
An amount has at most 18 digits, and any number of them may be added up. On PostgreSQL a sum is `numeric`. SQLite stores
a sum as an integer while it fits into 64 bits, and otherwise as text: an n, the number of its digits, the digits. The n
keeps SQLite from turning the text into a float. SQLite sorts integers before text, and the text of a longer number
after that of a shorter one, so that sums which are not negative sort by value.
"""

import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.aggregates import Aggregate

_DIGITS: Final = 39
_LEAST, _GREATEST = -(2**63), 2**63 - 1


def to_sqlite(number: int) -> int | str:
    """Return a sum as SQLite stores it. See Note [Sums do not overflow]."""
    if _LEAST <= number <= _GREATEST:
        return number
    text = str(number)
    return f"n{len(text):02d}{text}"


def from_sqlite(stored: int | str) -> int:
    """Return the sum that SQLite stores."""
    return stored if isinstance(stored, int) else int(stored[3:])


if TYPE_CHECKING:
    _WholeNumber = models.Field[int, int]
else:
    _WholeNumber = models.Field  # Django's own cannot be subscripted while the program runs


class SumField(_WholeNumber):
    """A whole number of up to 39 digits. See Note [Sums do not overflow]."""

    description = "Whole number of up to 39 digits"

    def get_internal_type(self) -> str:
        """Return the name by which tables know this type."""
        return "SumField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """Return the column's type; a column of SQLite may store text beside integers."""
        return "bigint" if connection.vendor == "sqlite" else f"numeric({_DIGITS}, 0)"

    def to_python(self, value: Any) -> int | None:
        """Return the number that a form or a fixture gives."""
        return None if value is None else int(value)

    def get_prep_value(self, value: Any) -> Any:
        """Return a number, or an expression as it is."""
        value = super().get_prep_value(value)
        return int(value) if isinstance(value, (str, Decimal)) else value

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's own signature
        """Return the number as the database stores it."""
        value = super().get_db_prep_value(value, connection, prepared)
        return to_sqlite(value) if connection.vendor == "sqlite" and isinstance(value, int) else value

    def from_db_value(self, value: Any, _expression: object, connection: BaseDatabaseWrapper) -> int | None:
        """Return the number that was read."""
        if value is None:
            return None
        return from_sqlite(value) if connection.vendor == "sqlite" else int(value)


class ExactSum(Aggregate):
    """The sum of a column of minor units, of any size; zero rows have the sum zero."""

    function = "SUM"
    name = "ExactSum"
    empty_result_set_value = 0
    output_field = SumField()

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        """Use an aggregate of our own, because SQLite's SUM stops at 64 bits."""
        return self.as_sql(compiler, connection, function=_SQLITE_SUM, **context)


_SQLITE_SUM: Final = "daybook_sum"


def sum_function(connection: BaseDatabaseWrapper) -> str:
    """Return the name of the aggregate that adds up sums exactly, for statements that are written by hand."""
    return _SQLITE_SUM if connection.vendor == "sqlite" else "sum"


class _Adder:
    """SQLite's form of an aggregate."""

    def __init__(self) -> None:
        self._sum = 0

    def step(self, value: int | str | None) -> None:
        """Add a value."""
        if value is not None:
            self._sum += from_sqlite(value)

    def finalize(self) -> int | str:
        """Return the sum."""
        return to_sqlite(self._sum)


def add_sqlite_sum(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Give a new connection to SQLite the aggregate of ExactSum."""
    if connection.vendor == "sqlite":
        opened: sqlite3.Connection = connection.connection
        opened.create_aggregate(_SQLITE_SUM, 1, _Adder)  # type: ignore[arg-type] # its stub omits text results
