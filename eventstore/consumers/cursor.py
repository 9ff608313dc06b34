"""The cursor of a consumer: it locks, reads, checks and moves the consumer's checkpoint rows.

# Note [Nobody owns a consumer]
What a process remembers of the rows between transactions is a guess. Each transaction first locks the rows and goes on
only if they are as remembered; otherwise the process forgets everything and reads again. So two copies of a consumer
are safe, a killed copy is replaced at once, and if the outcome of a commit is unknown, the row decides.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from django.db import transaction

from eventstore import store
from eventstore.consumers import checkpoints
from eventstore.consumers.at_head import statements
from eventstore.consumers.at_head.holes import before_hole
from eventstore.consumers.batch_size import Rate
from eventstore.consumers.catching_up.pages import Pages, of_page
from eventstore.consumers.checkpoints import LogPosition, StaleCheckpoint
from eventstore.consumers.status import Heartbeat
from eventstore.errors import (
    AnotherStore,
    BehindItsGroup,
    ConsumerError,
    ConsumerStopped,
    EventOfNewerCode,
    StoreWentBack,
)
from eventstore.models import Checkpoint, Generation
from eventstore.payloads.registry import registry
from eventstore.records import RecordedEvent
from eventstore.runtime.connections import forget_errors
from eventstore.runtime.outages import is_outage, is_outage_of_own_connection

_logger = logging.getLogger(__name__)
_WITHOUT_REBUILD: Final = frozenset({Checkpoint.Kind.PROCESS_MANAGER, Checkpoint.Kind.RELAY})


class ConsumerPaused(ConsumerError):
    """An operator has paused the consumer."""


class Cursor:
    """The checkpoint rows of one consumer or one group, and the events that follow them.

    `consumers` are the names under which skips are kept, if they differ from the names of the rows.
    """

    def __init__(
        self, names: Sequence[str], using: str, batch_size: int, consumers: Sequence[str] | None = None
    ) -> None:
        self.names, self.using, self.batch_size = tuple(names), using, batch_size
        self.consumers = self.names if consumers is None else tuple(consumers)
        self.label = ", ".join(self.names)
        self.rows: list[Checkpoint] = []
        self.skips: dict[str, frozenset[int]] = {}
        self.waiting_for = ""
        self.stopped: ConsumerStopped | None = None
        self.read_to_head = self.had_outage = self.is_paused = False
        self.pages = Pages(are_shared=False)
        self.rebuild_request: int | None = None
        self.rate = Rate()
        self._highest = (0, 0)
        self._look: statements.Look | None = None
        self._events: list[RecordedEvent] = []
        self._moved: LogPosition | None = None
        self._progress: object | None = None
        self._heartbeat = Heartbeat(self.names, using)

    @property
    def at(self) -> LogPosition:
        """The position of the rows, as remembered."""
        return LogPosition(self.rows[0].position, self.rows[0].recorded_at)

    @property
    def described(self) -> list[Generation] | None:
        """What the last look said of the rows of the read models, while nothing has moved since."""
        return self._look.generations if self._look else None

    @property
    def has_handled_all(self) -> bool:
        """Whether the last read reached the head and its events are handled, even if others are appended meanwhile."""
        return self.read_to_head and not self._events

    def forget(self) -> None:
        """Forget rows, events and skips: the next step reads them again."""
        self.rows, self._events, self.skips, self._look = [], [], {}, None

    def load(self) -> bool:
        """Read the rows unless they are remembered; False if some do not exist. Raises BehindItsGroup, AnotherStore."""
        looks = self.consumers == self.names and self.using == "default" and statements.is_prepared(self.using)
        if self.rows and not (looks and self.has_handled_all):
            return True
        self.forget()
        self._look = statements.look(self.names, self.names, self.using) if looks else None
        rows = self._read_rows()
        if len(rows) < len(self.names):
            return False
        if not checkpoints.are_together(rows):
            last = max(rows, key=lambda row: row.position)
            if last.position > store.head().position:
                raise AnotherStore(last.name, last.position, last.recorded_at, None)
            raise BehindItsGroup(min(rows, key=lambda row: row.position).name, self.consumers)
        self.rows = rows
        self._check_not_went_back()
        if self._look:
            since = checkpoints.skips_since(rows[0])
            self.skips = checkpoints.by_consumer(self.names, self._look.skips, since)
        return True

    def _read_rows(self) -> list[Checkpoint]:
        """Read the rows that exist, and note what operators ask for, also if a row is missing or has an error."""
        rows = self._look.rows if self._look else checkpoints.load(self.names, self.using)
        self.is_paused = any(row.paused for row in rows)
        self.rebuild_request = next((row.rebuild_request for row in rows if row.rebuild_request is not None), None)
        return rows

    def _check_not_went_back(self) -> None:
        """Raise StoreWentBack if the rows are lower than this process has seen them, or were for another process.

        A standby that lagged may have been promoted: log and checkpoints agree, and acknowledged events are gone. An
        operator must know, so the row keeps the error until `resume`.
        """
        row, (generation, position) = self.rows[0], self._highest
        remembered = row.went_back_from
        if remembered is None and row.generation == generation and row.position < position:
            remembered = position
        if remembered is not None:
            raise StoreWentBack(self.label, remembered, row.position)
        self._highest = (row.generation, row.position)

    def load_skips(self) -> None:
        """Read which positions operators let each consumer skip."""
        since = checkpoints.skips_since(self.rows[0])
        self.skips = checkpoints.skipped(self.consumers, self.at.position, self.using, since=since)

    def next_events(self) -> list[RecordedEvent]:
        """Return the events that follow the rows, empty at the head.

        Raises ConsumerPaused, EventOfNewerCode, and MissedEvent and AnotherStore if the log is not what it must be.
        """
        if any(row.paused for row in self.rows):
            raise ConsumerPaused
        if not self._events or self._events[0].position != self.at.position + 1:
            self._events = self._read()
        if self._events and not self.skips:
            self.load_skips()
        return self._events

    def _read(self) -> list[RecordedEvent]:
        """Read the next events, and with them the last one handled, which must still be the same."""
        position, recorded_at = self.at
        wanted = self.pages.size_after(position, self.batch_size)
        limit = wanted + (1 if position else 0)
        events = self._look.events_after(position, limit) if self._look else None
        events = self.pages.read(max(position, 1), limit) if events is None else of_page(events)
        if position:
            found = events.pop(0) if events and events[0].position == position else None
            if found is None or (recorded_at and found.recorded_at != recorded_at):
                raise AnotherStore(self.label, position, recorded_at, found.recorded_at if found else None)
        self.read_to_head = len(events) < wanted
        events = self._before_newer_code(before_hole(self.label, events, position + 1))
        # What is visible may not be durable yet. An effect in the same database becomes durable only together with
        # everything before it; an effect in another database could survive a crash that the event does not.
        if events and self.using != "default":
            store.barrier()
        return events

    def _before_newer_code(self, events: list[RecordedEvent]) -> list[RecordedEvent]:
        """Return the events before the first one that this code cannot read; raises EventOfNewerCode if there are none.

        All events are checked, also those of types that the consumer does not handle: whether newer code handles them
        is unknown here.
        """
        known = {name: registry.newest_schema_version(name) for name in {event.type for event in events}}
        if all(event.schema_version <= (known[event.type] or 0) for event in events):
            return events
        self.load_skips()
        for index, event in enumerate(events):
            newest = known[event.type]
            is_skipped = all(event.position in positions for positions in self.skips.values())
            if event.schema_version > (newest or 0) and not is_skipped:
                if index == 0:
                    raise EventOfNewerCode(event.position, event.type, event.schema_version, newest)
                return events[:index]
        return events

    @contextmanager
    def transaction(self) -> Iterator[list[Checkpoint]]:
        """Open a transaction that holds the rows' locks; `move` and `keep_progress` take effect with its commit.

        Raises StaleCheckpoint and ConsumerPaused. After any other error `had_outage` says whether it was an outage of
        the consumer's own connection. See Note [Nobody owns a consumer].
        """
        self._forget_writes()
        forget_errors()
        own = None
        try:
            with transaction.atomic(using=self.using):
                rows = self._lock()
                try:
                    yield rows
                except Exception as error:
                    own = is_outage_of_own_connection(error)  # before the rollback, which forgets that
                    raise
        except Exception as error:
            self.had_outage = is_outage(error) if own is None else own
            raise
        if self._moved is not None:
            self._remember(self._moved)
        elif self._progress is not None:
            self.rows[0].progress = self._progress

    def _forget_writes(self) -> None:
        self._moved, self._progress = None, None

    def _lock(self) -> list[Checkpoint]:
        rows = checkpoints.lock_unchanged(self.names, self.rows, self.using)
        if any(row.paused for row in rows):
            raise ConsumerPaused
        return rows

    def move(self, events: Sequence[RecordedEvent]) -> None:
        """Move the locked rows past these events."""
        self.move_to(LogPosition(events[-1].position, events[-1].recorded_at), len(events))

    def move_to(self, to: LogPosition, number: int) -> None:
        """Move the locked rows to a position, past so many events."""
        self._moved, rate = to, self.rate.add(number)
        checkpoints.move(self.names, to, self.using, progress=self._lasting_progress(), rate=rate)

    def keep_progress(self, progress: object) -> None:
        """Keep in the locked row how far a process manager has got within the next event."""
        self._progress = progress
        checkpoints.keep_progress(self.names[0], progress, self.using, rate=self.rate.add(0))

    def _lasting_progress(self) -> object | None:
        """Return the `progress` to keep between events; that of a projector says which skips apply."""
        progress: object = None if self.rows[0].kind in _WITHOUT_REBUILD else self.rows[0].progress
        return progress

    def _remember(self, moved: LogPosition) -> None:
        self._highest, self._look = (self.rows[0].generation, moved.position), None
        if any(row.error_position is not None for row in self.rows):
            _logger.info("consumer recovered", extra={"consumer": self.label, "position": moved.position})
        for row in self.rows:
            row.position, row.recorded_at = moved
            row.progress, row.error_position, row.error_count = self._lasting_progress(), None, 0
        if self._events:
            self._events = self._events[moved.position - self._events[0].position + 1 :]
        self.stopped = None

    def stop(
        self, name: str | None, position: int, message: str, *, went_back_from: int | None = None
    ) -> ConsumerStopped | None:
        """Keep in one row, or in all, the position and reason of the stop; None if the rows have changed meanwhile."""
        message = checkpoints.one_line(message)
        if not self.rows:
            self.rows = checkpoints.load(self.names, self.using)
        try:
            with transaction.atomic(using=self.using):
                for row in self._lock():
                    if name in {None, row.name}:
                        checkpoints.fail(row, position, message, went_back_from=went_back_from)
        except (StaleCheckpoint, ConsumerPaused):
            self.forget()
            return None
        if went_back_from is not None:
            self._highest = (0, 0)  # from now on the row knows it
        self.stopped = ConsumerStopped(name or self.label, position, message)
        return self.stopped

    def type_at(self, position: int) -> str | None:
        """Return the type of an event that was read and is not handled yet."""
        return next((event.type for event in self._events if event.position == position), None)

    def is_still_stopped(self) -> bool:
        """Whether the rows still keep the error: no operator has cleared it, and no rebuild has replaced the rows."""
        rows = self._read_rows()
        incomplete = len(rows) < len(self.names) or not checkpoints.are_together(rows)
        return incomplete or any(row.error_position is not None for row in rows)

    def wait_for(self, name: str) -> None:
        """Keep in the row what it waits for: the projector of a process manager, the receiver of a relay."""
        if self.rows[0].waiting_for != name:
            Checkpoint.objects.using(self.using).filter(name__in=self.names).update(waiting_for=name)
        self.waiting_for = name

    def end_step(self, *, progressed: bool) -> None:
        """Forget everything unless the step progressed, and show that the consumer is alive."""
        if not progressed:
            self.forget()
            self.rate.reset()
        self._heartbeat.beat(self.rate.value)
