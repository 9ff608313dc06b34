"""Faults of a read model.

ReadModelFault
├── DateBeganTwice
├── MissingRow
└── RangeDiffers
"""

from datetime import date

from eventstore.consumers.definitions import EventRefused


class ReadModelFault(Exception):
    """A read model differs from what the events make of it."""


class DateBeganTwice(EventRefused):
    """A SystemCycled begins a date that has begun before; only an append past the rules can record it."""

    def __init__(self, on: date, position: int) -> None:
        super().__init__(
            f"{on} has begun before, and the event at {position} begins it again. A date begins once: skip the event,"
            " and the aging of the date stays that of its first beginning"
        )


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
