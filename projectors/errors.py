"""Faults of a read model.

ReadModelFault
└── MissingRow
"""


class ReadModelFault(Exception):
    """A read model differs from what the events make of it."""


class MissingRow(ReadModelFault):
    """An event changes a row that does not exist: an event was skipped, or somebody else wrote to the table."""

    def __init__(self, table: str, key: tuple[object, ...], position: int) -> None:
        self.table = table
        self.key = key
        self.position = position
        super().__init__(f"the event at {position} changes {' '.join(map(str, key))} in {table}, which has no such row")
