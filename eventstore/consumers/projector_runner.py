"""Runs a group of projectors: each member handles every event in turn, in one transaction."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from django.conf import settings

from eventstore.consumers import checkpoints
from eventstore.consumers.batch_size import BatchSize, Stopwatch
from eventstore.consumers.catching_up.pages import Pages
from eventstore.consumers.catching_up.sets import SetBatches
from eventstore.consumers.cursor import Cursor
from eventstore.consumers.generations import GenerationGuard
from eventstore.consumers.registry import Group, consumers
from eventstore.consumers.runner import MOST_OUTAGES, Outages, Step, describe, step_after, stop
from eventstore.errors import BehindItsGroup, ConsumerError, RowsDoNotMatch
from eventstore.records import RecordedEvent

_LONGEST_TURN_S: Final = 0.3


class ProjectorRunner:
    """Keeps the read models of a group up to date; naming one member names the group."""

    def __init__(self, group: Group, batch_size: int) -> None:
        self.group = group
        self.cursor = Cursor(group.names, consumers.database_of(group.names[0]), batch_size)
        self._batches = Batches(group, self.cursor)
        self._sets = SetBatches(group, self.cursor, self._batches.guard, self._batches.check_rows)

    def begin(self) -> None:
        """Register the group; a member that cannot join it yet is reported by the first step."""
        with suppress(BehindItsGroup):
            self.register()

    def register(self) -> None:
        """Make the rows that do not exist; raises BehindItsGroup."""
        checkpoints.register_group(self.group, self.cursor.using)

    def load(self) -> None:
        """Read the rows, and make them first if they do not exist; raises BehindItsGroup and AnotherStore."""
        if not self.cursor.load():
            self.register()
            self.cursor.load()

    def step(self) -> Step:
        """Project the next batch. Raises only what concerns the database or the machinery."""
        try:
            self.load()
            step = Step.PROGRESSED if self._sets.project_next() else self._project_events()
        except ConsumerError as error:
            step = step_after(error, self.cursor)
        except BaseException:
            self.cursor.forget()
            raise
        self.cursor.end_step(progressed=step is Step.PROGRESSED)
        return step

    def _project_events(self) -> Step:
        """Read the next events and project a batch of them; a page that is shared as far as time allows."""
        watch = Stopwatch()
        while events := self.cursor.next_events():
            self._batches.check_rows()
            step = self._batches.project_next(events)
            is_over = self.cursor.at.position >= events[-1].position or watch.seconds > _LONGEST_TURN_S
            if step is not Step.PROGRESSED or is_over or not self.cursor.pages.are_shared:
                return step
        self._batches.check_rows()
        return Step.IDLE


class Batches:
    """Projects events in batches through a cursor; a rebuild does the same through a cursor of its own."""

    def __init__(self, group: Group, cursor: Cursor) -> None:
        self.size = BatchSize(cursor.batch_size, cursor.batch_size)
        self._group, self._cursor = group, cursor
        self._handled = [frozenset(member.types) for member in group.members]
        self._dependent_types = frozenset(
            name for member in group.members if member.depends_on for name in member.types
        )
        self._singly_until = 0
        self._outages = Outages()
        self.guard = GenerationGuard(group, cursor.using)
        self._working = cursor.names[0]

    def project_next(self, events: Sequence[RecordedEvent]) -> Step:
        """Project the next batch in one transaction; after an error, project the events of the batch one by one.

        Then the events before the bad one are projected, and the checkpoint row names the bad one.
        """
        cursor = self._cursor
        singly = cursor.at.position < self._singly_until or any(row.error_position is not None for row in cursor.rows)
        batch = events[: 1 if singly else self.size.limit]
        watch = None
        try:
            with cursor.transaction() as rows:
                watch = Stopwatch()
                self.project(batch, rows[0].generation)
                self.guard.move(rows[0].generation, rows[0].position, batch[-1].position)
                cursor.move(batch)
        except Exception as error:
            if watch is None or isinstance(error, RowsDoNotMatch):
                raise  # before any handler: the rows have changed, or the database is away
            return self._after_error(error, batch, watch.seconds)
        self.guard.remember(cursor.rows[0].generation)
        self.size.adapt(watch.seconds, len(batch))
        return Step.PROGRESSED

    def check_rows(self) -> None:
        """Raise RowsDoNotMatch if the read model's rows are not where the checkpoint is."""
        cursor = self._cursor
        try:
            self.guard.check(cursor.rows[0].generation, cursor.at.position, cursor.described)
        except RowsDoNotMatch:
            # Another copy may have moved both between the two reads; under the lock nobody can.
            with cursor.transaction() as rows:
                self.guard.check(rows[0].generation, rows[0].position)

    def _after_error(self, error: Exception, batch: Sequence[RecordedEvent], seconds: float) -> Step:
        """Retry a failed batch in smaller ones. If a single event fails, keep the error in its row and stop.

        An outage is raised, so that the loop reconnects, until the same event has failed MOST_OUTAGES times.
        """
        first, last = batch[0].position, batch[-1].position
        if self._cursor.had_outage:
            # The handler itself may be the reason: it may take longer than a transaction may be idle.
            self.size.adapt(seconds, len(batch))
            if self._outages.add(first) > 1:
                self._singly_until = last
            if len(batch) > 1 or self._outages.count < MOST_OUTAGES:
                raise error
            return self._outages.stop(self._cursor, self._working, error, seconds)
        if len(batch) > 1:
            self._singly_until = last
            return Step.PROGRESSED
        return stop(self._cursor, self._working, first, describe(error), error)

    def project(self, events: Sequence[RecordedEvent], generation: int) -> None:
        """Let each member handle its events. A dependent finds each other member at the position of its own event."""
        skips = self._cursor.skips
        for part in self._parts(events):
            for member, row_name, types in zip(self._group.members, self._cursor.names, self._handled, strict=True):
                self._working = row_name
                own = [event for event in part if event.type in types and event.position not in skips[member.name]]
                if own:
                    member.project(own, generation, self._cursor.using)

    def _parts(self, events: Sequence[RecordedEvent]) -> Iterator[Sequence[RecordedEvent]]:
        """Cut a batch after each event that a dependent handles."""
        start = 0
        for index, event in enumerate(events, start=1):
            if event.type in self._dependent_types:
                yield events[start:index]
                start = index
        if start < len(events):
            yield events[start:]


def projector_runners(names: Iterable[str] = (), batch_size: int | None = None) -> list[ProjectorRunner]:
    """Return a runner for each group of the named projectors, or of all; raises UnknownConsumer, CircularDependency."""
    size = batch_size or settings.CONSUMER_BATCH_SIZE
    runners = [ProjectorRunner(group, size) for group in consumers.groups(names)]
    share_pages([runner.cursor for runner in runners])
    return runners


def share_pages(cursors: Sequence[Cursor]) -> None:
    """Let several cursors of one process read each page of the log once. See Note [Pages are shared]."""
    if len(cursors) > 1:
        pages = Pages(are_shared=True)
        for cursor in cursors:
            cursor.pages = pages
