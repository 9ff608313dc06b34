"""The rows that a batch of events concerns: loaded at once, changed in memory, written back at once."""

from collections.abc import Collection, Iterator

from projectors.errors import MissingRow
from projectors.tables.layout import Key, Row
from projectors.tables.table import Table


class Draft:
    """Rows of one table and generation while a batch is projected."""

    def __init__(self, table: Table, keys: Collection[Key], generation: int, using: str) -> None:
        self._table = table
        self._generation = generation
        self._using = using
        self._rows: dict[Key, Row] = {}
        self.load(keys)
        self._new: dict[Key, Row] = {}
        self._changed: dict[Key, Row] = {}

    def load(self, keys: Collection[Key]) -> None:
        """Load the rows of more keys, without those that the draft has already."""
        missing = {key for key in keys if key not in self._rows}
        self._rows |= self._table.load(missing, self._generation, self._using)

    def __contains__(self, key: Key) -> bool:
        """Return whether there is a row of a key, loaded or added."""
        return key in self._rows

    def __iter__(self) -> Iterator[Row]:
        """Iterate over the rows, loaded or added."""
        return iter(self._rows.values())

    def find(self, key: Key, position: int) -> Row:
        """Return the row of a key for the event at a position; raises MissingRow if there is none."""
        row = self._rows.get(key)
        if row is None:
            raise MissingRow(self._table.name, key, position)
        return row

    def change(self, key: Key, position: int) -> Row:
        """Return the row of a key, which the event at a position will change; raises MissingRow if there is none."""
        row = self.find(key, position)
        row["position"] = position
        if key not in self._new:
            self._changed[key] = row
        return row

    def add(self, key: Key, row: Row) -> Row:
        """Add a row that has every column of the table."""
        self._rows[key] = self._new[key] = row
        return row

    def save(self) -> None:
        """Write the added and the changed rows."""
        self._table.insert(self._new.values(), self._generation, self._using)
        self._table.update(self._changed.values(), self._using)
