"""A process manager as a consumer: each of its events answered once, by chunks, the append last."""

import json
from collections.abc import Sequence
from contextlib import nullcontext

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from eventstore import store
from eventstore.consumers import checkpoints
from eventstore.consumers.checkpoints import Place
from eventstore.consumers.definitions import Chunk, ProcessManager
from eventstore.consumers.projector_runner import Projection
from eventstore.consumers.registry import consumers
from eventstore.consumers.runner import Consumer, Paused, Step, Stopwatch, describe, raise_outage
from eventstore.errors import BehindItsGroup, WrongExpectedVersion
from eventstore.models import Checkpoint
from eventstore.records import Context, RecordedEvent

_FIRST_CHUNK = 200


class Reaction(Consumer):
    """Runs one process manager, and advances the projectors that it depends on where nobody else does."""

    def __init__(self, manager: ProcessManager, batch_size: int) -> None:
        super().__init__((manager.name,), consumers.database_of(manager.name), batch_size, start=_FIRST_CHUNK)
        self.manager = manager
        groups = consumers.groups(manager.depends_on) if manager.depends_on else []
        self._dependencies = [Projection(group, batch_size) for group in groups]
        self._conflicts = 0

    def register(self) -> None:
        """Register at the head where it has never been: a process manager never looks back."""
        checkpoints.register_manager(self.manager.name)

    def forget(self) -> None:
        """Remember nothing, of the projectors either."""
        super().forget()
        for projection in self._dependencies:
            projection.forget()

    def work(self, events: Sequence[RecordedEvent]) -> Step:
        """Pass over what it does not answer, together, or work one chunk of the answer to the first event."""
        skips = self.skips[self.manager.name]
        passed = 0
        while passed < len(events) and (
            events[passed].type not in self.manager.types or events[passed].position in skips
        ):
            passed += 1
        if passed:
            return self._pass_over(events[:passed])
        return self._advance_dependencies(events[0].position) or self._answer(events[0])

    def _pass_over(self, events: Sequence[RecordedEvent]) -> Step:
        with transaction.atomic(using=self.using):
            self.lock()
            place = self.moved(events)
        self.arrived(place)
        return Step.PROGRESSED

    def _answer(self, event: RecordedEvent) -> Step:
        watch, limit = Stopwatch(), self.pace.limit
        last_attempt = self._conflicts >= settings.COMMAND_MAX_ATTEMPTS - 1
        try:
            with transaction.atomic(using=self.using):
                row = self.lock()[0]
                watch.restart()
                # Behind the row's lock, always: two copies that took them the other way round would wait in a circle.
                with store.append_lock(self.using) if last_attempt else nullcontext():
                    progress = self._work_chunk(event, row, limit)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is kept in its row
            raise_outage(error)
            if isinstance(error, WrongExpectedVersion) and not last_attempt:
                self._conflicts += 1
                return Step.PROGRESSED
            self._conflicts = 0
            return self.stop(self.manager.name, event.position, describe(error))
        self._conflicts = 0
        self.pace.took(watch.seconds, limit)
        if progress is None:
            self.arrived(Place(event.position, event.recorded_at))
        else:
            self.rows[0].progress = progress
        return Step.PROGRESSED

    def _work_chunk(self, event: RecordedEvent, row: Checkpoint, limit: int) -> object | None:
        chunk: Chunk = self.manager.react(event, row.progress, limit)
        progress: object | None = json.loads(json.dumps(chunk.progress, cls=DjangoJSONEncoder))
        if progress is None:
            self.moved([event])
        else:
            checkpoints.get_within(row.name, progress, self.using, rate=self.meter.add(0))
        if chunk.events:
            context = Context(self.manager.name, event.correlation_id, event.position)
            store.append(chunk.events, context, expected=chunk.expected, using=self.using)
        return progress

    def _advance_dependencies(self, position: int) -> Step | None:
        """Take one step of a projector that is not yet at a position; None where all are."""
        for projection in self._dependencies:
            if projection.rows and projection.place.position >= position:
                continue
            try:
                if not projection.rows:
                    projection.load()
            except BehindItsGroup as error:
                return self._wait_for(error.name)
            # A read model of another log may be further and knows nothing of this one; its own step will say so.
            if projection.place.position >= position and checkpoints.is_of_this_log(projection.rows[0]):
                continue
            held = [row.name for row in projection.rows if row.paused or row.error_position is not None]
            if held:
                return self._wait_for(held[0])
            if any(row.paused for row in checkpoints.load(self.names, self.using)):
                raise Paused
            step = projection.step()
            return Step.PROGRESSED if step in {Step.PROGRESSED, Step.IDLE} else self._wait_for(projection.names[0])
        self.waiting_for = ""
        return None

    def _wait_for(self, name: str) -> Step:
        if self.rows[0].waiting_for != name:
            Checkpoint.objects.using(self.using).filter(name=self.manager.name).update(waiting_for=name)
        self.waiting_for = name
        return Step.WAITING
