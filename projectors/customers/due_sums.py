"""Keeps the sums of products by due date and status. See Note [Lists of invoices are read in order]."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from projectors.models import DueSum
from projectors.tables.draft import Draft
from projectors.tables.layout import Key, Row
from projectors.tables.table import Table

_FIGURES: Final = ("products", "owing", "owed", "fees")
_DUE = Table(
    DueSum,
    key=("currency", "minor_digits", "due_date", "status"),
    changing=("products", "owing", "owed", "fees", "position"),
)


class DueChange(NamedTuple):
    """What a product adds to the sums of its due date and status, or takes from them."""

    key: Key
    position: int
    products: int
    owing: int
    owed: int
    fees: int


def due_change(row: Row, sign: int) -> DueChange:
    """Return what a product adds as it is, or with the sign -1 what it takes away."""
    key = tuple(row[column] for column in _DUE.layout.key)
    return DueChange(key, row["position"], sign, sign * row["owes"], sign * row["owed"], sign * row["fees"])


def add_to_due_sums(changes: Sequence[DueChange], generation: int, using: str) -> None:
    """Add changes to the sums of their due dates."""
    draft = Draft(_DUE, {change.key for change in changes}, generation, using)
    for change in changes:
        if change.key not in draft:
            names = zip(_DUE.layout.key, change.key, strict=True)
            draft.add(change.key, {**dict(names), **dict.fromkeys(_FIGURES, 0), "position": change.position})
        row = draft.change(change.key, change.position)
        for column in _FIGURES:
            row[column] += getattr(change, column)
    draft.save()
