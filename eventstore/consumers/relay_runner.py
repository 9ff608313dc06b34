"""Runs a relay: hands events on to another system, and moves the checkpoint once the receiver has them.

# Note [A relay hands on at least once]
The other system is not part of the transaction that moves the checkpoint. So the events are handed on first, outside of
any transaction, and the checkpoint moves once the receiver has confirmed them. A crash in between hands them on again,
and so may a second copy of the relay. Each message carries its position, so a receiver that keeps the last position it
has taken takes each event once.
"""

import logging
import time
from collections.abc import Sequence
from typing import Final

from django.conf import settings

from eventstore import home, store
from eventstore.consumers import checkpoints
from eventstore.consumers.batch_size import BatchSize
from eventstore.consumers.cursor import ConsumerPaused, Cursor
from eventstore.consumers.definitions import Relay
from eventstore.consumers.registry import consumers
from eventstore.consumers.runner import Step, describe, step_after, stop
from eventstore.errors import ConsumerError, ReceiverAway
from eventstore.log.verification import check_before_acting
from eventstore.records import RecordedEvent
from eventstore.runtime.connections import forget_errors
from eventstore.runtime.outages import BackOff, is_outage_of_own_connection

_FIRST_BATCH: Final = 100
_FIRST_RETRY_S: Final = 0.5
_LAST_RETRY_S: Final = 30.0
_LONGEST_WAIT_TEXT: Final = 100
_logger = logging.getLogger(__name__)


class RelayRunner:
    """Runs one relay. See Note [A relay hands on at least once]."""

    def __init__(self, relay: Relay, batch_size: int) -> None:
        self.relay = relay
        self.cursor = Cursor((relay.name,), consumers.database_of(relay.name), batch_size)
        self._size = BatchSize(_FIRST_BATCH, batch_size)
        self._singly_until = 0
        self._delays = BackOff(_FIRST_RETRY_S, _LAST_RETRY_S)
        self._retry_at = 0.0

    def begin(self) -> None:
        """Register where the relay begins, unless it is registered."""
        checkpoints.register_relay(self.relay.name)

    def step(self) -> Step:
        """Hand on the next batch. Raises only what concerns the database or the machinery."""
        try:
            if not self.cursor.load():
                self.begin()
                self.cursor.load()
            events = self.cursor.next_events()
            step = self._hand_on(events) if events else Step.IDLE
            # After a transaction that another copy has overtaken there are no rows.
            if step is not Step.STOPPED and self.cursor.rows and self.relay.work_beside(self.cursor.at.position):
                step = Step.PROGRESSED
        except ConsumerError as error:
            step = step_after(error, self.cursor)
        except BaseException:
            self.cursor.forget()
            raise
        self.cursor.end_step(progressed=step is Step.PROGRESSED)
        return step

    def _hand_on(self, events: Sequence[RecordedEvent]) -> Step:
        """Hand on the next events and move the checkpoint; after an error, hand on the events of the batch singly."""
        cursor = self.cursor
        singly = cursor.at.position < self._singly_until or any(row.error_position is not None for row in cursor.rows)
        batch = events[: 1 if singly else self._size.limit]
        wanted = [event for event in batch if self._is_wanted(event)]
        if wanted:
            if time.monotonic() < self._retry_at:
                return Step.WAITING
            self._ensure_may_leave(wanted[-1].position)
            began = time.monotonic()
            forget_errors()
            try:
                check_before_acting(wanted)  # what is handed on cannot be taken back
                self.relay.hand_on(wanted)
            except ReceiverAway as away:
                return self._wait_for(away)
            except Exception as error:
                if is_outage_of_own_connection(error):
                    raise
                return self._after_error(error, batch, wanted)
            self._size.adapt(time.monotonic() - began, len(batch))
            self._delays.reset()
        with cursor.transaction():
            cursor.move(batch)
        return Step.PROGRESSED

    def _is_wanted(self, event: RecordedEvent) -> bool:
        is_of_type = self.relay.types is None or event.type in self.relay.types
        return is_of_type and event.position not in self.cursor.skips[self.relay.name]

    def _ensure_may_leave(self, position: int) -> None:
        """Return if events up to a position may leave the house: nobody was faster, and they are at home and durable.

        See Note [Only what is durable is answered] and Note [A copy does not act].
        """
        rows = checkpoints.load(self.cursor.names, self.cursor.using)
        checkpoints.check_unchanged(rows, self.cursor.rows)
        if any(row.paused for row in rows):
            raise ConsumerPaused
        home.ensure(self.cursor.using)
        store.ensure_durable(position)

    def _wait_for(self, away: ReceiverAway) -> Step:
        delay = self._delays.delay()
        self._retry_at = time.monotonic() + delay
        _logger.warning("%s waits for %s; trying again in %.1f s", self.relay.name, away, delay)
        self.cursor.wait_for(checkpoints.one_line(f"its receiver, {away}")[:_LONGEST_WAIT_TEXT])
        return Step.WAITING

    def _after_error(self, error: Exception, batch: Sequence[RecordedEvent], wanted: Sequence[RecordedEvent]) -> Step:
        if len(batch) > 1:
            self._singly_until = batch[-1].position
            return Step.PROGRESSED
        return stop(self.cursor, self.relay.name, wanted[0].position, describe(error), error)


def relay_runner(name: str, batch_size: int | None = None) -> RelayRunner:
    """Return a runner for a relay; raises UnknownConsumer."""
    return RelayRunner(consumers.relay(name), batch_size or settings.CONSUMER_BATCH_SIZE)
