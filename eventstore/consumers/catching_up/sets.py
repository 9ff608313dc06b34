"""Projects ranges of the log in sets, while a group of projectors is far behind the head.

# Note [Ranges are projected in sets]
A projector in sets says twice what it does: event by event, which is the definition, and for a whole range of the log
by statements of the database, which is quick. The second way is only taken for events that need nothing but arithmetic:
they lie far behind the head, in the database of the read model, without a gap, in the newest schema version, and no
operator has skipped one of them. If a statement fails, or finds rows missing, its transaction is undone, and the events
of the range are projected by the definition, which names the one that is at fault.

# Note [Few events of a range are read alone]
A projector that handles few of the events of a range needs no statements of its own: its events are read by type, and
the definition projects them all in the one transaction that passes over the range.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from django.conf import settings
from django.db import connections

from eventstore import store
from eventstore.consumers.batch_size import BatchSize, Stopwatch
from eventstore.consumers.catching_up.ranges import LogRange, read_range
from eventstore.consumers.cursor import Cursor
from eventstore.consumers.definitions import SetProjector
from eventstore.consumers.generations import GenerationGuard
from eventstore.consumers.registry import Group
from eventstore.consumers.runner import with_traceback
from eventstore.errors import RowsDoNotMatch
from eventstore.records import RecordedEvent

_logger = logging.getLogger(__name__)

_TIMES: Final = 2
"""A range takes twice as long as other transactions, because its twenty statements cost as much for few events."""
_LEAST: Final = 500
"""A range of fewer events is projected one by one: the statements would take as long."""
_MOST_CUTS: Final = 20
"""A range may be cut at so many events of dependents; with more of them its parts are too short."""
_FEW: Final = 10
"""Events are few if there is at most one of them among so many."""
_READ_IN_PAGES: Final = 10
"""After a range with more of them, so many batches are projected one by one before another range is looked at."""
Part = tuple[int, int, Sequence[RecordedEvent]]
"""Positions from which and up to which a range is projected at once, and the events that are read for it."""


class SetBatches:
    """Projects ranges through the cursor of a group; whatever it cannot do is left to `Batches`."""

    def __init__(self, group: Group, cursor: Cursor, guard: GenerationGuard, check_rows: Callable[[], None]) -> None:
        self._group, self._cursor, self._guard, self._check_rows = group, cursor, guard, check_rows
        most = settings.CONSUMER_RANGE_SIZE if cursor.batch_size == settings.CONSUMER_BATCH_SIZE else cursor.batch_size
        self.size = BatchSize(max(cursor.batch_size, _LEAST), most, _TIMES)
        self._read_types = sorted(
            {name for member in group.members if not isinstance(member, SetProjector) for name in member.types}
        )
        self._cut_at = frozenset(name for member in group.members if member.depends_on for name in member.types)
        self._is_in_sets = any(isinstance(member, SetProjector) for member in group.members)
        self._one_by_one_until = 0

    def project_next(self) -> bool:
        """Project the next range in one transaction; False if the events must be projected one by one.

        Raises what concerns the database or the machinery.
        """
        ahead = self._next_range() if self._is_possible() else None
        if ahead is None:
            return False
        self._check_rows()
        cursor, watch = self._cursor, None
        try:
            with cursor.transaction() as rows:
                watch = Stopwatch()
                for part in self._parts(ahead):
                    self._project(part, rows[0].generation)
                self._guard.move(rows[0].generation, ahead.after.position, ahead.end.position)
                cursor.move_to(ahead.end, ahead.number)
        except Exception as error:
            if watch is None or isinstance(error, RowsDoNotMatch):
                raise
            self._one_by_one_until = ahead.end.position
            if cursor.had_outage:
                raise
            facts = {"consumer": cursor.label, "position": ahead.end.position}
            _logger.warning("range is projected event by event", exc_info=with_traceback(error), extra=facts)
            return False
        self._guard.remember(cursor.rows[0].generation)
        self.size.adapt(watch.seconds, ahead.number)
        return True

    def _is_possible(self) -> bool:
        cursor = self._cursor
        return (
            cursor.using == "default"
            and connections[cursor.using].vendor == "postgresql"
            and cursor.batch_size >= _LEAST
            and not cursor.read_to_head
            and cursor.at.position >= self._one_by_one_until
            and not any(row.paused or row.error_position is not None for row in cursor.rows)
        )

    def _next_range(self) -> LogRange | None:
        """Return the next range if it is long enough and can be projected in sets."""
        cursor = self._cursor
        cursor.load_skips()
        skipped = min((position for of_one in cursor.skips.values() for position in of_one), default=None)
        most = max(self.size.limit, _LEAST)
        if skipped is not None:
            most = min(most, skipped - cursor.at.position - 1)
        ahead = read_range(cursor.at, most, cursor.using) if most >= _LEAST else None
        if ahead is None or ahead.number < _LEAST:
            self._one_by_one_until = cursor.at.position + min(self.size.limit, cursor.batch_size)
            return None
        if self._has_too_many(ahead):
            pages = 0 if self._is_in_sets else _READ_IN_PAGES * cursor.batch_size
            self._one_by_one_until = max(ahead.end.position, cursor.at.position + pages)
            return None
        return ahead

    def _has_too_many(self, ahead: LogRange) -> bool:
        """Whether a range has more cuts, or more events that must be read, than can be projected at once."""
        if sum(ahead.types.get(name, 0) for name in self._cut_at) > _MOST_CUTS:
            return True
        # See Note [Few events of a range are read alone]
        read = sum(ahead.types.get(name, 0) for name in self._read_types)
        return read > self._cursor.batch_size or (not self._is_in_sets and read * _FEW > ahead.number)

    def _parts(self, ahead: LogRange) -> Iterator[Part]:
        """Cut a range after each event that a dependent handles; read the events that are not projected in sets."""
        wanted = [name for name in self._read_types if name in ahead.types]
        start, own = ahead.after.position, []
        for event in store.read_all(after=start, up_to=ahead.end.position, types=wanted):
            own.append(event)
            if event.type in self._cut_at:
                yield start, event.position, own
                start, own = event.position, []
        if start < ahead.end.position:
            yield start, ahead.end.position, own

    def _project(self, part: Part, generation: int) -> None:
        after, up_to, events = part
        for member in self._group.members:
            if isinstance(member, SetProjector):
                member.project_range(after, up_to, generation, self._cursor.using)
            elif own := [event for event in events if event.type in member.types]:
                member.project(own, generation, self._cursor.using)
