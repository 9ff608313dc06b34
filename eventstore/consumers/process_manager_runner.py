"""Runs a process manager: answers each of its events once, chunk by chunk, and advances the projectors it needs."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections

from eventstore import home, store
from eventstore.consumers import checkpoints
from eventstore.consumers.batch_size import BatchSize, Stopwatch
from eventstore.consumers.catching_up.ahead import Ahead, MadeChunk
from eventstore.consumers.cursor import ConsumerPaused, Cursor
from eventstore.consumers.definitions import Chunk, ProcessManager
from eventstore.consumers.projector_runner import ProjectorRunner, projector_runners
from eventstore.consumers.registry import consumers
from eventstore.consumers.runner import MOST_OUTAGES, Outages, Step, describe, step_after, stop
from eventstore.errors import BehindItsGroup, ConsumerError, WrongExpectedVersion
from eventstore.log.append_call import Rows
from eventstore.log.verification import check_before_acting
from eventstore.records import Context, RecordedEvent

_FIRST_CHUNK = 200


class ProcessManagerRunner:
    """Runs one process manager."""

    def __init__(self, manager: ProcessManager, batch_size: int) -> None:
        self.manager = manager
        self.cursor = Cursor((manager.name,), consumers.database_of(manager.name), batch_size)
        self.size = BatchSize(_FIRST_CHUNK, batch_size)
        self._dependencies = projector_runners(manager.depends_on, batch_size) if manager.depends_on else []
        self._at_home: tuple[Any, int] = (None, 0)
        self._ahead = Ahead(manager.react_in_parts, self._prepared)
        self._conflicts = 0
        self._outages = Outages()
        self._appending = False

    def begin(self) -> None:
        """Register at the head unless it is registered: a process manager never looks back."""
        checkpoints.register_manager(self.manager.name)

    def step(self) -> Step:
        """Pass over events that it does not answer, advance a projector, or work one chunk of an answer.

        Raises only what concerns the database or the machinery.
        """
        try:
            if not self.cursor.load():
                self.begin()
                self.cursor.load()
            events = self.cursor.next_events()
            step = self._handle(events) if events else Step.IDLE
        except ConsumerError as error:
            step = step_after(error, self.cursor)
        except BaseException:
            self._forget()
            raise
        if step is not Step.PROGRESSED:
            self._forget()
        self.cursor.end_step(progressed=step is Step.PROGRESSED)
        return step

    def _forget(self) -> None:
        self._ahead.drop()
        for cursor in [self.cursor, *(dependency.cursor for dependency in self._dependencies)]:
            cursor.forget()

    def _handle(self, events: Sequence[RecordedEvent]) -> Step:
        first = next((index for index, event in enumerate(events) if self._answers(event)), len(events))
        if first:
            return self._pass_over(events[:first])
        self._ensure_home(events[0])
        return self._advance_dependencies(events[0].position) or self._answer(events[0])

    def _ensure_home(self, event: RecordedEvent) -> None:
        """Raise LedgerIsACopy unless the log is at home; asked once for an event and a connection."""
        connection = connections[self.cursor.using]
        if self._at_home != (connection.connection, event.position):
            home.ensure(self.cursor.using)
            self._at_home = (connection.connection, event.position)

    def _answers(self, event: RecordedEvent) -> bool:
        return event.type in self.manager.types and event.position not in self.cursor.skips[self.manager.name]

    def _pass_over(self, events: Sequence[RecordedEvent]) -> Step:
        with self.cursor.transaction():
            self.cursor.move(events)
        return Step.PROGRESSED

    def _advance_dependencies(self, position: int) -> Step | None:
        """Take one step of a projector that has not reached a position; None if all have."""
        for dependency in self._dependencies:
            cursor = dependency.cursor
            if cursor.rows and cursor.at.position >= position:
                continue
            try:
                dependency.load()
            except BehindItsGroup as error:
                return self._wait_for(error.name)
            # A read model of another log may be further and knows nothing of this log; its own step will say so.
            if cursor.at.position < position or not checkpoints.is_of_this_log(cursor.rows[0]):
                return self._advance(dependency)
        self.cursor.waiting_for = ""
        return None

    def _advance(self, dependency: ProjectorRunner) -> Step:
        blocked = [row.name for row in dependency.cursor.rows if row.paused or row.error_position is not None]
        if blocked:
            return self._wait_for(blocked[0])
        if any(row.paused for row in checkpoints.load(self.cursor.names, self.cursor.using)):
            raise ConsumerPaused
        step = dependency.step()
        if step in {Step.PROGRESSED, Step.IDLE}:
            return Step.PROGRESSED
        return self._wait_for(dependency.cursor.names[0])

    def _wait_for(self, name: str) -> Step:
        self.cursor.wait_for(name)
        return Step.WAITING

    def _answer(self, event: RecordedEvent) -> Step:
        """Work one chunk of the answer to an event, in the transaction that moves the checkpoint."""
        last_attempt = self._conflicts >= settings.COMMAND_MAX_ATTEMPTS - 1
        watch, self._appending = None, False
        try:
            with self.cursor.transaction():
                watch = Stopwatch()
                # The row is always locked before the append lock, or two copies would wait for each other.
                with self._append_lock() if last_attempt else nullcontext():
                    covered = self._work_chunk(event)
        except Exception as error:
            if watch is None:
                raise  # before the handler: the row has changed, or the database is away
            if isinstance(error, WrongExpectedVersion) and not last_attempt:
                self._conflicts += 1
                return Step.PROGRESSED
            self._conflicts = 0
            return self._after_error(error, event, watch.seconds)
        self._conflicts = 0
        self._outages.reset()
        self.size.adapt(watch.seconds, covered)
        return Step.PROGRESSED

    def _after_error(self, error: Exception, event: RecordedEvent, seconds: float) -> Step:
        """Keep the error in the row and stop; after an outage, shrink the chunk and raise the outage.

        An outage stops the consumer when chunks of one event have failed MOST_OUTAGES times at this event.
        """
        if not self.cursor.had_outage:
            return stop(self.cursor, self.manager.name, event.position, describe(error), error)
        if self._appending:
            raise error  # another writer holds the append lock, or the database is away: not the handler's fault
        limit = self.size.limit
        self.size.adapt(seconds, limit)
        if self._outages.add(event.position) > 1:
            self.size.limit = 1
        if limit > 1 or self._outages.count < MOST_OUTAGES:
            raise error
        return self._outages.stop(self.cursor, self.manager.name, error, seconds)

    @contextmanager
    def _append_lock(self) -> Iterator[None]:
        """Hold the append lock for the last attempt."""
        self._appending = True
        with store.append_lock(self.cursor.using):
            self._appending = False
            yield

    def _work_chunk(self, event: RecordedEvent) -> int:
        """Append the chunk after the row is moved, and return how many things it covers at most.

        The append lock is held until the transaction ends.
        """
        before, limit = self.cursor.rows[0].progress, self.size.limit
        if before is None:
            check_before_acting([event], self.cursor.using)
        # See Note [A chunk is made while the one before it is appended]
        made = self._ahead.take(event, before) or self._made(event, before, limit)
        progress: object | None = json.loads(json.dumps(made.chunk.progress, cls=DjangoJSONEncoder))
        if progress is None:
            self.cursor.move([event])
        else:
            self.cursor.keep_progress(progress)
            self._ahead.begin(event, progress, limit)
        if made.rows is not None:
            self._appending = True
            store.append_prepared(made.rows, using=self.cursor.using, meanwhile=self._ahead.work())
        return made.covers

    def _made(self, event: RecordedEvent, progress: object | None, limit: int) -> MadeChunk:
        chunk = self.manager.react(event, progress, limit)
        return MadeChunk(chunk, self._prepared(event, chunk), limit)

    def _prepared(self, event: RecordedEvent, chunk: Chunk) -> Rows | None:
        if not chunk.events:
            return None
        context = Context(self.manager.name, event.correlation_id, event.position)
        return store.prepare(chunk.events, context, expected=chunk.expected)


def process_manager_runner(name: str, batch_size: int | None = None) -> ProcessManagerRunner:
    """Return a runner for a process manager; raises UnknownConsumer, and CircularDependency of the projectors."""
    consumers.groups()  # finds a circle when the process starts
    return ProcessManagerRunner(consumers.manager(name), batch_size or settings.CONSUMER_BATCH_SIZE)
