"""Writes the journal lines of a whole range, and adds up their sums, by a statement made of the projector's entries."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

from eventstore.consumers.catching_up.ranges import EVENTS_OF_RANGE
from eventstore.named_sql import named_sql
from eventstore.records import RecordedEvent
from eventstore.store import read_event
from projectors import trial_balance
from projectors.events.dates import DatedEvent
from projectors.sets.statements import dates_of_range, rows_of
from projectors.tables.layout import Row

_SUM: Final = (
    "account",
    "currency",
    "minor_digits",
    "business_date",
    "booking_date",
    "debit",
    "credit",
    "first",
    "position",
)
"""The columns of the sums of a range; only sums of late lines have dates."""
_TEXT: Final = Path(__file__).parent / "journal.sql"


class SideOfEntry(Protocol):
    """A side of an entry, as the projector defines it."""

    @property
    def account(self) -> str:
        """Return the account."""

    @property
    def party_uuid(self) -> str:
        """Return the uuid of its party."""

    @property
    def amount(self) -> str:
        """Return the amount as it was recorded."""

    @property
    def credit(self) -> bool:
        """Return whether it is a credit."""


Entries = Mapping[str, Callable[[str, str, Any], Iterable[SideOfEntry]]]


class _Field(str):
    """The name of a field of a payload, in place of its value."""

    __slots__ = ()


class _Fields(dict[str, _Field]):
    """A payload whose values are the names of its fields."""

    def __missing__(self, name: str) -> _Field:
        return _Field(name)


class RangeOfJournal:
    """Does to the journal what the projector does with the events of a range."""

    def __init__(self, entries: Entries, types: Sequence[str]) -> None:
        self._entries, self._types = entries, list(types)

    @cached_property
    def _statements(self) -> Mapping[str, str]:
        rows = ", ".join(row for type_ in self._entries for row in self._sides(type_))
        return named_sql(_TEXT, events=EVENTS_OF_RANGE, sides=rows)

    def _sides(self, type_: str) -> Iterator[str]:
        amounts: list[str] = []
        for side in self._entries[type_]("{party}", "{uuid}", _Fields()):
            yield _as_row(type_, side, amounts)
            amounts.append(side.amount)

    def project(self, after: int, up_to: int, generation: int, using: str) -> None:
        """Write the lines, and add them to the sums of their accounts."""
        dates = dates_of_range(after, up_to, using)
        every = trial_balance.SNAPSHOT_EVERY
        # Copies of the sums stand before these positions. See Note [A trial balance is read and not added up].
        places = sorted({*range(after // every * every + 1, up_to + 1, every), *dates["cycles"]})
        values = {
            "after": after,
            "up_to": up_to,
            "generation": generation,
            "types": self._types,
            "with_lines": list(self._entries),
            **dates,
            "places": places,
            "lows": [after + 1, *places],
            "highs": [*(place - 1 for place in places), up_to],
        }
        first_events = rows_of(self._statements["first_events"], values, using)
        sums: dict[int, list[Row]] = defaultdict(list)
        for part, *row in rows_of(self._statements["lines"], values, using):
            sums[part] += _lines(dict(zip(_SUM, row, strict=True)))
        made = [(_undated(read_event(position, using=using)), sums[part]) for part, position in first_events]
        trial_balance.add_to_sums(made, generation, using)


def _as_row(type_: str, side: SideOfEntry, before: Sequence[str]) -> str:
    """Return a side as a row of VALUES; its account, party and amount are taken from the event or its payload.

    `before` names the amounts of the sides before it. Sides with the same amount have a line if it has one.
    """
    party = f"'{side.party_uuid}'" if isinstance(side.party_uuid, _Field) else "NULL"
    others = [f"'{amount}'" for amount in before if amount != side.amount]
    array = f"ARRAY[{', '.join(others)}]" if others else "NULL::text[]"
    number = len(before) - len(others) + 1
    return f"('{type_}', {number}, '{side.account}', {party}, '{side.amount}', {side.credit}, {array})"


def _undated(event: RecordedEvent | None) -> DatedEvent:
    assert event is not None  # noqa: S101 - the log keeps every event
    return DatedEvent(event, {}, None, None)


def _lines(row: Row) -> Iterator[Row]:
    """Yield a line with the sums of many; sums of late lines also keep the position of the first one."""
    line = {**row, "debit": int(row["debit"]), "credit": int(row["credit"])}
    if row["business_date"] is not None:
        yield {**line, "debit": 0, "credit": 0, "position": row["first"]}
    yield line
