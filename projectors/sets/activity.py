"""Adds up what happened in a range by a statement made of the moves that the projector defines; finds what was late."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from eventstore.consumers.catching_up.ranges import EVENTS_OF_RANGE
from eventstore.named_sql import named_sql
from eventstore.store import read_all
from projectors.events.dates import DatedEvent
from projectors.events.payloads import payload_of
from projectors.sets.statements import dates_of_range, rows_of

_TEXT: Final = Path(__file__).parent / "activity.sql"
_LATE: Final = named_sql(_TEXT, events=EVENTS_OF_RANGE)["late"]


class Activity(NamedTuple):
    """The events of one type, of one business date and currency: how many, the last position, and the sum of amounts.

    The sum is None if an event has no amount. `digits` are those of the first amount that has any, at `first`.
    """

    business_date: str | None
    currency: str
    type: str
    number: int
    position: int
    amount: int | None
    digits: int
    first: int


def statement(amounts: Mapping[str, str], fields: Iterable[str]) -> str:
    """Return the statement; `amounts` names the field of each type's amount, `fields` all that may have digits."""
    cases = " ".join(f"WHEN '{type_}' THEN payload->>'{field}'" for type_, field in amounts.items())
    digits = ", ".join(f"length(split_part(payload->>'{field}', '.', 2))" for field in fields)
    return named_sql(_TEXT, events=EVENTS_OF_RANGE, amount=f"CASE type {cases} END", digits=digits)["activity"]


def activity_of_range(sql: str, types: Sequence[str], after: int, up_to: int, using: str) -> Iterator[Activity]:
    """Yield the activity of the events of some types."""
    values = {"after": after, "up_to": up_to, "types": list(types), **dates_of_range(after, up_to, using)}
    for business_date, currency, type_, number, position, amount, amounts, digits, first in rows_of(sql, values, using):
        total = int(amount) if amounts == number else None
        yield Activity(business_date, currency, type_, number, position, total, digits or 0, first or 0)


def late_of_range(types: Sequence[str], after: int, up_to: int, using: str) -> Iterator[DatedEvent]:
    """Yield the events of some types that were booked after their business date."""
    values = {"after": after, "up_to": up_to, "types": list(types), **dates_of_range(after, up_to, using)}
    dates = {position: (booked, on) for position, booked, on in rows_of(_LATE, values, using)}
    if dates:
        for event in read_all(after=min(dates) - 1, up_to=max(dates), types=types, using=using):
            if event.position in dates:
                yield DatedEvent(event, payload_of(event), *dates[event.position])
