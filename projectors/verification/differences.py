"""The first figure in which a read model differs from the events.

ReadModelFault
├── Difference
└── WrongSnapshot
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from projectors.errors import ReadModelFault


class Party(NamedTuple):
    """The owner of a figure: `company 7c9e…`, or a currency if the figure is a sum over all parties."""

    type: str
    id: object

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Difference(ReadModelFault):
    """A read model differs from the events."""

    def __init__(self, table: str, account: str, party: Party, expected: object, found: object) -> None:
        self.table = table
        self.account = account
        self.party = party
        self.expected = expected
        self.found = found
        super().__init__(f"{table}: {account} of {party}: {expected} by the events, {found} in the read model")


class WrongSnapshot(ReadModelFault):
    """A kept snapshot is not what its events fold to."""


class Money(NamedTuple):
    """An amount in minor units, with its currency and digits after the point."""

    minor: int
    currency: str
    minor_digits: int

    def __str__(self) -> str:
        amount = Decimal(self.minor).scaleb(-self.minor_digits)
        return f"{amount:,.{self.minor_digits}f} {self.currency}".rstrip()


NOTHING = "nothing"
"""The text that stands for a missing row."""


def compare(
    table: str,
    party: Party,
    expected: Mapping[str, Any] | None,
    found: Mapping[str, Any] | None,
    accounts: Mapping[str, str],
) -> None:
    """Raise Difference for the first column in which two rows differ; `accounts` maps columns of money to accounts."""
    if expected is None or found is None:
        if expected is not found:
            values = ["a row" if row is not None else NOTHING for row in (expected, found)]
            raise Difference(table, "presence", party, *values)
        return
    # Money first, because the reader of the message looks for it.
    for column in _money_first(expected, accounts):
        if expected[column] != found[column]:
            account = accounts.get(column)
            figures = [row[column] if account is None else _money(row, column) for row in (expected, found)]
            raise Difference(table, account or column, party, *figures)


def _money_first(columns: Iterable[str], accounts: Mapping[str, str]) -> list[str]:
    return sorted(columns, key=lambda column: column not in accounts)


def _money(row: Mapping[str, Any], column: str) -> Money:
    return Money(row[column], row["currency"], row["minor_digits"])
