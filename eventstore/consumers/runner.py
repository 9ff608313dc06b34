"""The one loop's one step, which process managers and projectors share: read on, lock, do the work, move the row."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum, auto
from typing import Never

from django.db import transaction

from eventstore import store
from eventstore.consumers import checkpoints, status
from eventstore.consumers.batch_size import Meter, Pace
from eventstore.consumers.checkpoints import Place
from eventstore.errors import AnotherStore, BehindItsGroup, ConsumerError, ConsumerStopped, MissedEvent
from eventstore.models import Checkpoint
from eventstore.records import RecordedEvent
from eventstore.runtime.outages import is_outage

_LONGEST_MESSAGE = 1000


class Step(Enum):
    """What came of a step."""

    PROGRESSED = auto()
    IDLE = auto()
    PAUSED = auto()
    WAITING = auto()
    STOPPED = auto()


class Moved(ConsumerError):
    """A row is no longer as remembered: another copy, or an operator, has changed it; read it anew."""


class Paused(ConsumerError):
    """An operator has paused the consumer."""


class Consumer(ABC):
    """One consumer, or one group of projectors, that takes one step at a time.

    # Note [Nobody owns a consumer]
    What is remembered between transactions is only a guess about the rows. Each transaction begins by locking them,
    and goes on only if they are as remembered; otherwise everything is read anew. So two copies are safe, a killed
    one is taken over at once, and where the outcome of a commit is not known, the row decides.
    """

    def __init__(self, names: Sequence[str], using: str, batch_size: int, start: int) -> None:
        self.names, self.using, self.batch_size = tuple(names), using, batch_size
        self.label = ", ".join(self.names)
        self.stopped: ConsumerStopped | None = None
        self.pace = Pace(start, batch_size)
        self.meter = Meter()
        self.rows: list[Checkpoint] = []
        self.skips: dict[str, frozenset[int]] = {}
        self.waiting_for = ""
        self._events: list[RecordedEvent] = []
        self._watch = status.Watch(self.names, using)

    @abstractmethod
    def register(self) -> None:
        """Make the rows where they do not exist."""

    def begin(self) -> None:
        """Register, before anything else; who cannot yet will hear it from the first step."""
        with suppress(BehindItsGroup):
            self.register()

    @abstractmethod
    def work(self, events: Sequence[RecordedEvent]) -> Step:
        """Deal with the first of the events, as many as one transaction should."""

    def step(self) -> Step:
        """Take one step; what it raises is the database's being away, or a fault of the machinery."""
        try:
            step = self._step()
        except Moved:
            step = Step.PROGRESSED
            self.forget()
        except Paused:
            step = Step.PAUSED
        except BehindItsGroup as error:
            step, self.stopped = Step.STOPPED, ConsumerStopped(error.name, 0, str(error))
        except (MissedEvent, AnotherStore) as error:
            step = self.stop(None, getattr(error, "expected", self.place.position), str(error))
        except BaseException:
            self.forget()
            raise
        if step is not Step.PROGRESSED:
            self.forget()
            self.meter.rest()
        self._watch.look(self.meter.rate)
        return step

    def _step(self) -> Step:
        if not self.rows:
            self.load()
        if any(row.paused for row in self.rows):
            return Step.PAUSED
        if not self._events or self._events[0].position != self.place.position + 1:
            self._events = self.read()
        if not self._events:
            return Step.IDLE
        if not self.skips:
            self.skips = self.load_skips()
        return self.work(self._events)

    def forget(self) -> None:
        """Remember nothing: the next step reads everything anew."""
        self.rows, self._events, self.skips = [], [], {}

    @property
    def place(self) -> Place:
        """Where the rows are, as far as is remembered."""
        return Place(self.rows[0].position, self.rows[0].recorded_at)

    def load(self) -> None:
        """Read the rows, registering where they do not exist."""
        self.rows = checkpoints.load(self.names, self.using)
        if len(self.rows) < len(self.names):
            self.register()
            self.rows = checkpoints.load(self.names, self.using)
        if len({(row.position, row.generation) for row in self.rows}) > 1:
            self._refuse_apart()

    def load_skips(self) -> dict[str, frozenset[int]]:
        """What each row's consumer is to pass over."""
        return checkpoints.skipped(self.names, self.place.position, self.using)

    def _refuse_apart(self) -> Never:
        last = max(self.rows, key=lambda row: row.position)
        if last.position > store.head().position:
            raise AnotherStore(last.name, last.position, last.recorded_at, None)
        raise BehindItsGroup(min(self.rows, key=lambda row: row.position).name, self.names)

    def read(self) -> list[RecordedEvent]:
        """Read the next events, beginning with the last one dealt with, which must still be what it was."""
        position, recorded_at = self.place
        events = store.read_batch(from_position=max(position, 1), limit=self.batch_size + (1 if position else 0))
        if position:
            found = events.pop(0) if events and events[0].position == position else None
            if found is None or (recorded_at and found.recorded_at != recorded_at):
                raise AnotherStore(self.label, position, recorded_at, found.recorded_at if found else None)
        for index, event in enumerate(events):
            if event.position != position + 1 + index:
                if index == 0:
                    raise MissedEvent(self.label, position + 1, event.position)
                return self._durable(events[:index])
        return self._durable(events)

    def _durable(self, events: list[RecordedEvent]) -> list[RecordedEvent]:
        # What is visible may not be durable yet. Where the effect lies in the same database, its commit is durable
        # only with everything before it; elsewhere it could survive a crash that the event does not.
        if events and self.using != "default":
            store.barrier()
        return events

    def lock(self) -> list[Checkpoint]:
        """Lock the rows and return them; raises Moved where they are not as remembered, and Paused."""
        rows = checkpoints.load(self.names, self.using, lock=True)
        self.compare(rows)
        if any(row.paused for row in rows):
            raise Paused
        return rows

    def compare(self, rows: Sequence[Checkpoint]) -> None:
        """Raise Moved where locked rows are not as remembered."""
        if checkpoints.remembered(rows) != checkpoints.remembered(self.rows):
            raise Moved

    def moved(self, events: Sequence[RecordedEvent]) -> Place:
        """Move the locked rows over events, the last act but for an append; returns where that is."""
        place = Place(events[-1].position, events[-1].recorded_at)
        checkpoints.move(self.names, place, self.using, progress=self.lasting(), rate=self.meter.add(len(events)))
        return place

    def lasting(self) -> object | None:
        """What a row's `progress` is between events."""
        return None

    def arrived(self, place: Place) -> None:
        """Remember, after the commit, that the rows have moved."""
        for row in self.rows:
            row.position, row.recorded_at = place
            row.progress, row.error_position, row.error_count = self.lasting(), None, 0
        if self._events:
            self._events = self._events[place.position - self._events[0].position + 1 :]
        self.stopped = None

    def stop(self, name: str | None, position: int, message: str) -> Step:
        """Keep in the member's row, or in all, where and why it stopped; in a transaction of its own."""
        message = _as_kept(message)
        try:
            with transaction.atomic(using=self.using):
                for row in self.lock():
                    if name in {None, row.name}:
                        checkpoints.fail(row, position, message)
        except (Moved, Paused):
            self.forget()
            return Step.PROGRESSED
        self.stopped = ConsumerStopped(name or self.label, position, message)
        return Step.STOPPED

    def is_held(self) -> bool:
        """Whether the rows still are what the consumer stopped for: no operator has cleared the error, or rebuilt."""
        rows = checkpoints.load(self.names, self.using)
        apart = len(rows) < len(self.names) or len({(row.position, row.generation) for row in rows}) > 1
        return apart or any(row.error_position is not None for row in rows)


def describe(error: BaseException) -> str:
    """One line that says what a handler raised."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _as_kept(message: str) -> str:
    """One line of no more than so many characters, all of which a database can keep."""
    line = " ".join(message.replace("\x00", "?").split())[:_LONGEST_MESSAGE]
    return line.encode(errors="replace").decode()


def raise_outage(error: BaseException) -> None:
    """Raise an error again where it is the database's being away, which is nobody's fault."""
    if is_outage(error) or isinstance(error, (Moved, Paused)):
        raise error


class Stopwatch:
    """How long the locks have been held."""

    def __init__(self) -> None:
        self.started = time.monotonic()

    def restart(self) -> None:
        """Begin now: waiting for a lock is not holding it."""
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        """The time since."""
        return time.monotonic() - self.started
