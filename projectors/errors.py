"""What can be wrong with a read model.

ReadModelFault
└── MissingRow
"""


class ReadModelFault(Exception):
    """A read model is not what its events make of it."""


class MissingRow(ReadModelFault):
    """An event changes a row that no earlier event has made: one was skipped, or the table was written by others."""

    def __init__(self, table: str, key: tuple[str, ...], position: int) -> None:
        self.table = table
        self.key = key
        self.position = position
        super().__init__(f"the event at {position} changes {' '.join(key)} in {table}, which has no such row")
