"""Faults of a read model.

ReadModelFault
├── MissingRow
└── RangeDiffers
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


class RangeDiffers(ReadModelFault):
    """A statement over a range of the log did not change each row that the events change."""

    def __init__(self, table: str, wanted: int, changed: int) -> None:
        super().__init__(f"the events change {wanted} rows of {table}, of which {changed} could be changed")
