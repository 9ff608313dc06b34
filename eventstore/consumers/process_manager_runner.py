"""Runs a process manager: answers each of its events once, chunk by chunk, and advances the projectors it needs."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from eventstore import home, store
from eventstore.consumers import checkpoints
from eventstore.consumers.batch_size import BatchSize, Stopwatch
from eventstore.consumers.cursor import ConsumerPaused, Cursor
from eventstore.consumers.definitions import Chunk, ProcessManager
from eventstore.consumers.projector_runner import ProjectorRunner, projector_runners
from eventstore.consumers.registry import consumers
from eventstore.consumers.runner import MOST_OUTAGES, Outages, Step, describe, step_after, stop
from eventstore.errors import BehindItsGroup, ConsumerError, WrongExpectedVersion
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
        for cursor in [self.cursor, *(dependency.cursor for dependency in self._dependencies)]:
            cursor.forget()

    def _handle(self, events: Sequence[RecordedEvent]) -> Step:
        first = next((index for index, event in enumerate(events) if self._answers(event)), len(events))
        if first:
            return self._pass_over(events[:first])
        home.ensure(self.cursor.using)
        return self._advance_dependencies(events[0].position) or self._answer(events[0])

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
        limit, last_attempt = self.size.limit, self._conflicts >= settings.COMMAND_MAX_ATTEMPTS - 1
        watch, self._appending = None, False
        try:
            with self.cursor.transaction():
                watch = Stopwatch()
                # The row is always locked before the append lock, or two copies would wait for each other.
                with self._append_lock() if last_attempt else nullcontext():
                    self._work_chunk(event, limit)
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
        self.size.adapt(watch.seconds, limit)
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

    def _work_chunk(self, event: RecordedEvent, limit: int) -> None:
        """Append the chunk after the row is moved: the append lock is held until the transaction ends."""
        if self.cursor.rows[0].progress is None:
            check_before_acting([event], self.cursor.using)
        chunk: Chunk = self.manager.react(event, self.cursor.rows[0].progress, limit)
        progress: object | None = json.loads(json.dumps(chunk.progress, cls=DjangoJSONEncoder))
        if progress is None:
            self.cursor.move([event])
        else:
            self.cursor.keep_progress(progress)
        if chunk.events:
            context = Context(self.manager.name, event.correlation_id, event.position)
            self._appending = True
            store.append(chunk.events, context, expected=chunk.expected, using=self.cursor.using)


def process_manager_runner(name: str, batch_size: int | None = None) -> ProcessManagerRunner:
    """Return a runner for a process manager; raises UnknownConsumer, and CircularDependency of the projectors."""
    consumers.groups()  # finds a circle when the process starts
    return ProcessManagerRunner(consumers.manager(name), batch_size or settings.CONSUMER_BATCH_SIZE)
