"""What a verification finds: the first figure that the events and a read model do not agree on.

ReadModelFault
└── Difference
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from projectors.errors import ReadModelFault


class Party(NamedTuple):
    """Whose figure it is: `company 7c9e…`; for sums over all, a currency."""

    type: str
    id: object

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Difference(ReadModelFault):
    """The events say one thing and a read model another."""

    def __init__(self, table: str, account: str, party: Party, expected: object, found: object) -> None:
        self.table = table
        self.account = account
        self.party = party
        self.expected = expected
        self.found = found
        super().__init__(f"{table}: {account} of {party}: {expected} by the events, {found} in the read model")


class Money(NamedTuple):
    """An amount in minor units with what it takes to be read."""

    minor: int
    currency: str
    minor_digits: int

    def __str__(self) -> str:
        amount = Decimal(self.minor).scaleb(-self.minor_digits)
        return f"{amount:,.{self.minor_digits}f} {self.currency}".rstrip()


NOTHING = "nothing"
"""Said where a row is missing on one side."""


def compare(
    table: str,
    party: Party,
    expected: Mapping[str, Any] | None,
    found: Mapping[str, Any] | None,
    accounts: Mapping[str, str],
) -> None:
    """Raise Difference at the first column on which the two differ; columns in `accounts` are money of that account."""
    if expected is None or found is None:
        if expected is not found:
            values = ["a row" if row is not None else NOTHING for row in (expected, found)]
            raise Difference(table, "presence", party, *values)
        return
    # Money first: it is what whoever reads the difference looks for.
    for column in _money_first(expected, accounts):
        if expected[column] != found[column]:
            account = accounts.get(column)
            figures = [row[column] if account is None else _money(row, column) for row in (expected, found)]
            raise Difference(table, account or column, party, *figures)


def _money_first(columns: Iterable[str], accounts: Mapping[str, str]) -> list[str]:
    return sorted(columns, key=lambda column: column not in accounts)


def _money(row: Mapping[str, Any], column: str) -> Money:
    return Money(row[column], row["currency"], row["minor_digits"])
