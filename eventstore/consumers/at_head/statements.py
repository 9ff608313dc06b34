"""The statements of a consumer on PostgreSQL: those of one look at the log, and those of each of its transactions.

# Note [One look at the head]
A consumer that has handled everything asks once for all that it needs to go on: its rows, the skips, the positions of
its read models' rows, and the next events. Each answer is as of a moment of its own, in this order; the transaction
that follows locks the rows and compares them, as always.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.db import connections

from eventstore.libpq import arrays
from eventstore.libpq.pipeline import fetch_all
from eventstore.libpq.prepared import Prepared
from eventstore.log.reads import COLUMNS
from eventstore.models import Checkpoint, Generation
from eventstore.named_sql import named_sql
from eventstore.records import RecordedEvent, events_of

LOOK: Final = 100
"""A look reads so many events; with more of them the consumer is behind, and reads a batch."""

_FIELDS: Final = tuple(field.attname for field in Checkpoint._meta.concrete_fields)  # noqa: SLF001 - Django's own name
_PROGRESS: Final = _FIELDS.index("progress")
_SQL: Final = named_sql(
    Path(__file__).parent / "statements.sql",
    columns=", ".join(f'"{name}"' for name in _FIELDS),
    event_columns=COLUMNS,
)


def _prepared(name: str, *types: int) -> Prepared:
    return Prepared(f"eventstore_consumer_{name}".encode(), _SQL[name], types)


_ROWS: Final = _prepared("rows", arrays.TEXT_ARRAY)
_LOCKED_ROWS: Final = _prepared("locked_rows", arrays.TEXT_ARRAY)
_SKIPS: Final = _prepared("skips", arrays.TEXT_ARRAY, arrays.TEXT_ARRAY)
_GENERATIONS: Final = _prepared("generations", arrays.TEXT_ARRAY, arrays.TEXT_ARRAY)
_EVENTS: Final = _prepared("events", arrays.TEXT_ARRAY, arrays.BIGINT)
_MOVE: Final = _prepared("move", arrays.BIGINT, arrays.TEXT, arrays.TEXT, arrays.TEXT, arrays.TEXT_ARRAY)
_KEEP_PROGRESS: Final = _prepared("keep_progress", arrays.TEXT, arrays.TEXT, arrays.TEXT)
_MOVE_GENERATION: Final = _prepared("move_generation", arrays.BIGINT, arrays.TEXT_ARRAY, arrays.BIGINT, arrays.BIGINT)


class Look(NamedTuple):
    """What a consumer has asked for at once."""

    rows: list[Checkpoint]
    skips: list[tuple[str, int, int]]
    """The consumer, the position and the operator action of each skip above the lowest row."""
    generations: list[Generation]
    events: list[RecordedEvent]
    """The last event handled and those that follow it, at most LOOK."""

    def events_after(self, position: int, limit: int) -> list[RecordedEvent] | None:
        """Return the last event handled and those that follow it, at most `limit`; None if they must be read."""
        is_from_there = bool(self.events) and self.events[0].position == max(position, 1)
        return self.events[:limit] if is_from_there and len(self.events) < LOOK else None


def is_prepared(using: str) -> bool:
    """Return whether the statements are for this database."""
    return connections[using].vendor == "postgresql"


def look(names: Sequence[str], consumers: Sequence[str], using: str) -> Look:
    """Ask for the rows of these names, and for all that their consumers need. See Note [One look at the head]."""
    rows, skips, generations, events = fetch_all(
        connections[using],
        [
            (_ROWS, [names]),
            (_SKIPS, [consumers, names]),
            (_GENERATIONS, [consumers, names]),
            (_EVENTS, [names, LOOK]),
        ],
    )
    found = [_checkpoint(row, using) for row in rows]
    number = max((row.generation for row in found), default=0)
    described = [Generation(projector=p, number=number, position=at, filled=json.loads(f)) for p, at, f in generations]
    return Look(found, [(name, at or 0, action) for name, at, action in skips], described, [*events_of(events)])


def rows(names: Sequence[str], using: str, *, lock: bool) -> list[Checkpoint]:
    """Return the rows that exist, by name."""
    (found,) = fetch_all(connections[using], [(_LOCKED_ROWS if lock else _ROWS, [names])])
    return [_checkpoint(row, using) for row in found]


def move(  # noqa: PLR0913 - the columns that change
    names: Sequence[str], position: int, recorded_at: datetime | None, progress: Any, rate: float, *, using: str
) -> None:
    """Move locked rows to a position and clear their error."""
    moment = None if recorded_at is None else recorded_at.isoformat()
    text = None if progress is None else json.dumps(progress)
    fetch_all(connections[using], [(_MOVE, [position, moment, text, repr(rate), names])])


def keep_progress(name: str, progress: Any, rate: float, using: str) -> None:
    """Keep in a locked row how far its process manager has got within the next event."""
    fetch_all(connections[using], [(_KEEP_PROGRESS, [json.dumps(progress), repr(rate), name])])


def move_generation(names: Sequence[str], number: int, before: int, after: int, using: str) -> int:
    """Move the descriptions of a generation that are at a position; return how many."""
    (moved,) = fetch_all(connections[using], [(_MOVE_GENERATION, [after, names, number, before])])
    return len(moved)


def _checkpoint(row: Sequence[Any], using: str) -> Checkpoint:
    values = list(row)
    if values[_PROGRESS] is not None:
        values[_PROGRESS] = json.loads(values[_PROGRESS])
    return Checkpoint.from_db(using, _FIELDS, values)
