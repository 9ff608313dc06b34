"""Keeps the sums of products by due date and status. See Note [Lists of invoices are read in order]."""

from operator import itemgetter
from typing import Final

from projectors.models import DueSum
from projectors.tables.draft import Draft
from projectors.tables.layout import Key, Row
from projectors.tables.table import Table

_KEY: Final = ("currency", "minor_digits", "due_date", "status")
_FIGURES: Final = ("products", "owing", "owed", "fees")
_DUE = Table(DueSum, key=_KEY, changing=(*_FIGURES, "position"))
_key_of = itemgetter(*_KEY)


class DueSums:
    """What a batch adds to the sums, added up by key: many products of a batch have the same due date and status."""

    def __init__(self) -> None:
        self._sums: dict[Key, list[int]] = {}

    def add(self, row: Row, sign: int) -> None:
        """Add a product as it is, or with the sign -1 take it away."""
        key: Key = _key_of(row)
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = [0, 0, 0, 0, 0]
        sums[0] = row["position"]
        sums[1] += sign
        sums[2] += sign * row["owes"]
        sums[3] += sign * row["owed"]
        sums[4] += sign * row["fees"]

    def save(self, generation: int, using: str) -> None:
        """Add all of it to the rows."""
        draft = Draft(_DUE, self._sums.keys(), generation, using)
        for key, (position, *figures) in self._sums.items():
            if key not in draft:
                draft.add(
                    key, {**dict(zip(_KEY, key, strict=True)), **dict.fromkeys(_FIGURES, 0), "position": position}
                )
            row = draft.change(key, position)
            for column, figure in zip(_FIGURES, figures, strict=True):
                row[column] += figure
        draft.save()
