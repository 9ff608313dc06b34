"""Follows the stream on another machine: each event is handled once, in the transaction that moves the checkpoint.

# Note [A follower trusts its own row]
The servers deliver a message until it is confirmed, so at least once, and perhaps after later ones. The row in the
follower's own database says which message was handled last. A message at or below it was handled; the next one must
be the next of the stream and of the log, from the same log. What the handler writes and the row are one transaction.
If the servers deliver anything else, the durable consumer is made anew after the row. It is also made anew if the
servers deliver nothing for some seconds although the stream has the next message, or if several calls in a row fail:
the message was delivered to a process that was killed, or the nodes that are left elect no leader of the consumer.
Two copies of a follower are safe, as one of them finds the row moved. What the servers have given to the other copy is
not missing: before the durable consumer is made anew, the row is locked, which waits for the other copy, and must be as
it was read.

# Note [A batch ends in time]
A transaction handles as many messages as fit into a tenth of a second, as far as the last ones allow a guess, and ends
after some seconds at the next message at the latest. So the row shows again and again that the follower is alive, and
other copies and operators do not wait long for it.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from django.db import transaction
from django.db.models.functions import Now

from eventstore.clock import utc_now
from eventstore.consumers.batch_size import BatchSize
from eventstore.consumers.checkpoints import one_line
from eventstore.consumers.history import pause_in_words
from eventstore.consumers.runner import Step, describe
from eventstore.errors import EventStoreError, ReceiverAway
from eventstore.runtime.outages import BackOff, is_outage
from eventstore.runtime.shutdown import Stop
from relays.following.durable import Durable
from relays.following.operating import recorded_name
from relays.jetstream.relay import POSITION, STORE
from relays.jetstream.stream import Message
from relays.models import Follower

Handler = Callable[[dict[str, Any]], None]
_FIRST_WAIT_S: Final = 0.2
_LAST_WAIT_S: Final = 30.0
_EMPTY_FETCHES: Final = 5
"""After so many in a row, of a second each, the stream itself is asked for the next message."""
_FIRST_BATCH: Final = 10
_LONGEST_S: Final = 5.0
"""See Note [A batch ends in time]."""
_FAILED_CALLS: Final = 3
"""After so many in a row the durable consumer is made anew, if the servers take that call."""
_logger = logging.getLogger(__name__)


class FollowerStopped(EventStoreError):
    """A follower stopped at a message; its row says why: mend the cause and resume, or skip the message."""


class FollowerPaused(EventStoreError):
    """An operator has paused a follower that was to catch up and end: resume it."""

    def __init__(self, name: str) -> None:
        why = pause_in_words(recorded_name(name))
        super().__init__(f"{name} is {why}; to let it go on: manage.py followers resume {name}")


class _Fault(Exception):
    """What the stream delivers is not what follows; `gap_to` is the position after missing ones."""

    def __init__(self, message: Message, fault: str, gap_to: int | None = None) -> None:
        super().__init__(fault)
        self.message, self.gap_to = message, gap_to


class _Overtaken(Exception):
    """The row has moved, or an operator has changed it: read it again."""


class Following:
    """One follower. See Note [A follower trusts its own row]."""

    def __init__(self, name: str, handler: Handler, source: Durable, batch_size: int) -> None:
        self._name, self._handler, self._source = name, handler, source
        self._size = BatchSize(_FIRST_BATCH, batch_size)
        self._held: list[Message] = []
        self._singly_until = 0
        self._is_checked = False
        self._empty_fetches, self._most_empty_fetches = 0, _EMPTY_FETCHES

    def run(self, stop: Stop, *, once: bool) -> None:
        """Handle what is new until `stop` asks to end, or with `once` until nothing is.

        Raises FollowerStopped, and with `once` FollowerPaused.
        """
        delays = BackOff(_FIRST_WAIT_S, _LAST_WAIT_S)
        self._most_empty_fetches = 1 if once else _EMPTY_FETCHES
        failed = 0
        while not stop.asked:
            try:
                if failed and failed % _FAILED_CALLS == 0:
                    self._source.begin_again()
                step = self.step()
            except ReceiverAway as away:
                failed += 1
                self._is_checked, self._held = False, []
                self._wait_for(one_line(f"the stream, {away}"))
                stop.wait(delays.delay())
                continue
            failed = 0
            delays.reset()
            if once and step is Step.PAUSED:
                raise FollowerPaused(self._name)
            if once and step is not Step.PROGRESSED:
                return
            if step is Step.PAUSED:
                stop.wait(1.0)

    def step(self) -> Step:
        """Handle the next messages; raises FollowerStopped and ReceiverAway."""
        row, _ = Follower.objects.get_or_create(name=self._name)
        if row.error_sequence is not None:
            raise FollowerStopped(f"{self._name} stopped at message {row.error_sequence}: {row.error_message}")
        if row.paused:
            return Step.PAUSED
        try:
            if not self._is_checked:
                self._check_stream(row)
            return self._handle_next(row)
        except _Overtaken:
            return Step.PROGRESSED
        except _Fault as fault:
            self._source.begin_again()  # what was fetched comes again after the operator has acted
            raise self._stop(row, fault.message, str(fault), fault.gap_to) from fault

    def _check_stream(self, row: Follower) -> None:
        """Raise _Fault unless the stream still has the last message that was handled."""
        if row.sequence:
            found = self._source.at(row.sequence)
            if found is None or _identity(found) != (row.store, row.position):
                message = found or Message("", b"", {}, row.sequence)
                raise _Fault(
                    message,
                    f"the stream no longer has the event of position {row.position} there: it is of another log",
                )
        self._is_checked = True

    def _handle_next(self, row: Follower) -> Step:
        limit = 1 if row.sequence < self._singly_until else self._size.limit
        delivered, self._held = self._held or self._source.fetch(row.sequence, limit), []
        Follower.objects.filter(name=self._name).update(last_seen=Now(), waiting_for="")
        following = sorted((each for each in delivered if each.sequence > row.sequence), key=lambda each: each.sequence)
        if following and [each.sequence for each in following] != _numbers(row.sequence, len(following)):
            try:
                self._begin_again(row, following)
            except _Overtaken:
                self._held = delivered  # they may follow the row where it is now
                raise
            return Step.PROGRESSED
        if following and self._handle(row, self._before_fault(row, following)) < len(following):
            self._source.begin_again()
        self._source.confirm()
        if delivered:
            self._empty_fetches = 0
            return Step.PROGRESSED
        return self._after_nothing(row)

    def _after_nothing(self, row: Follower) -> Step:
        """Make the durable consumer anew if it has delivered nothing for long although the stream has what follows."""
        self._empty_fetches += 1
        if self._empty_fetches < self._most_empty_fetches:
            return Step.IDLE
        self._empty_fetches = 0
        _check_unchanged(row)
        if self._source.at(row.sequence + 1) is None:
            return Step.IDLE
        self._source.begin_again()
        return Step.PROGRESSED

    def _begin_again(self, row: Follower, following: Sequence[Message]) -> None:
        """Make the durable consumer anew after the row.

        Raises _Overtaken if another copy has moved the row, and _Fault if the stream lacks the next message.
        """
        _check_unchanged(row)
        if self._source.at(row.sequence + 1) is None:
            raise _Fault(following[0], f"the stream has no message {row.sequence + 1}: it was removed")
        self._source.begin_again()

    @staticmethod
    def _before_fault(row: Follower, messages: Sequence[Message]) -> Sequence[Message]:
        """Return the messages before the first that does not follow; raises _Fault if there are none."""
        store, before = row.store, row.position
        for index, message in enumerate(messages):
            found, position = _identity(message)
            if found == (store or found) and position in {before + 1, row.gap_to}:
                store, before = found, position
                continue
            if index:
                return messages[:index]
            if store and found != store:
                raise _Fault(message, f"the message is of the log {found}, and those before it of {store}")
            fault = f"position {before + 1} is missing: the next in the stream is {position}"
            raise _Fault(message, fault, position if position > before else None)
        return messages

    def _handle(self, row: Follower, messages: Sequence[Message]) -> int:
        """Handle messages in one transaction and return how many. See Note [A batch ends in time]."""
        began, handled = time.monotonic(), 0
        try:
            with transaction.atomic():
                _lock_unchanged(row)
                while handled < len(messages) and (not handled or time.monotonic() < began + _LONGEST_S):
                    if messages[handled].sequence != row.skip:
                        self._handler(json.loads(messages[handled].body))
                    handled += 1
                last = messages[handled - 1]
                store, position = _identity(last)
                Follower.objects.filter(name=self._name).update(
                    sequence=last.sequence, store=store, position=position, last_seen=Now()
                )
        except _Overtaken:
            raise
        except Exception as error:
            if is_outage(error):
                raise
            self._after_error(row, messages, error)
        self._size.adapt(time.monotonic() - began, handled)
        return handled

    def _after_error(self, row: Follower, messages: Sequence[Message], error: Exception) -> None:
        """Handle the messages singly from now on, or stop at the one that alone fails."""
        self._source.begin_again()
        self._singly_until = messages[-1].sequence
        if len(messages) == 1:
            _logger.error("follower stopped: %s", self._name, exc_info=error)
            raise self._stop(row, messages[0], describe(error), None) from error
        raise _Overtaken

    def _stop(self, row: Follower, message: Message, reason: str, gap_to: int | None) -> FollowerStopped:
        Follower.objects.filter(name=self._name, sequence=row.sequence).update(
            error_sequence=message.sequence, error_message=one_line(reason), error_at=utc_now(), gap_to=gap_to
        )
        return FollowerStopped(f"{self._name} stopped at message {message.sequence}: {one_line(reason)}")

    def _wait_for(self, what: str) -> None:
        _logger.warning("%s waits for %s", self._name, what)
        Follower.objects.filter(name=self._name).update(waiting_for=what[:200], last_seen=Now())


def _lock_unchanged(row: Follower) -> None:
    """Lock the row; raises _Overtaken if it is not as it was read."""
    locked = Follower.objects.select_for_update().get(name=row.name)
    if (locked.sequence, locked.paused, locked.skip) != (row.sequence, row.paused, row.skip):
        raise _Overtaken


def _check_unchanged(row: Follower) -> None:
    """Wait for the copy that is handling messages, if one is; raises _Overtaken if the row is not as it was read."""
    with transaction.atomic():
        _lock_unchanged(row)


def _numbers(after: int, count: int) -> list[int]:
    return list(range(after + 1, after + 1 + count))


def _identity(message: Message) -> tuple[str, int]:
    """Return the id of the log and the position that a message carries."""
    return message.headers.get(STORE, ""), int(message.headers.get(POSITION, "0"))
