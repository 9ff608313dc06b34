"""The relay `jetstream`: each event is one message, appended in order and once.

# Note [The stream knows what it has]
The last message of the stream says which position it is. An event at or before it is there already, from before a
crash, and must be the same event; the next events are appended after it. So the stream has each event once, whatever
happens to the relay or to its checkpoint, and no window of ids has to be kept.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar, Final

from django.conf import settings

from eventstore import store
from eventstore.consumers.definitions import Relay
from eventstore.errors import ReceiverAway
from eventstore.payloads.canonical import canonical_event
from eventstore.records import RecordedEvent
from relays.jetstream.stream import Message, Stream, WrongLastSequence
from relays.log_id import log_id

POSITION: Final = "Daybook-Position"
STORE: Final = "Daybook-Store"
_MESSAGE_ID: Final = "Nats-Msg-Id"


class AnotherHistory(Exception):
    """The stream holds something else than this log."""


class JetStream(Relay):
    """Appends every event to a stream. See Note [The stream knows what it has]."""

    name: ClassVar[str] = "jetstream"

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._last: Message | None = None

    @cached_property
    def _store(self) -> str:
        return log_id()

    def hand_on(self, events: Sequence[RecordedEvent]) -> None:
        """Append the events that the stream lacks; raises AnotherHistory if it holds another log."""
        try:
            if self._last is None:
                self._last = self._stream.last()
            missing = [event for event in events if not self._has(event)]
            if missing:
                messages = [self._message(event) for event in missing]
                after = 0 if self._last is None else self._last.sequence
                self._stream.append(messages, after)
                newest = messages[-1]
                self._last = Message(newest.subject, newest.body, newest.headers, after + len(messages))
        except WrongLastSequence as error:
            self._last = None
            raise ReceiverAway(
                f"the stream {self._stream.name}", "it has moved; its last message is read again"
            ) from error
        except BaseException:
            self._last = None
            raise

    def _message(self, event: RecordedEvent) -> Message:
        headers = {
            _MESSAGE_ID: f"{self._store}:{event.position}",
            STORE: self._store,
            POSITION: str(event.position),
        }
        subject = f"{self._stream.name}.{event.category}.{event.type}"
        return Message(subject, canonical_event(event).encode(), headers)

    def _has(self, event: RecordedEvent) -> bool:
        """Return whether the stream has an event; raises AnotherHistory if it has another one in its place."""
        last = self._last
        if last is None:
            return False
        if last.headers.get(STORE) != self._store:
            raise AnotherHistory(f"the stream {self._stream.name} holds another ledger: name another JETSTREAM_STREAM")
        beyond = _position_of(last) - event.position
        if beyond < 0:
            return False
        # Positions that an operator let the relay skip make the sequence number higher than this, never lower.
        found = self._at(max(1, last.sequence - beyond))
        while _position_of(found) < event.position:
            found = self._at(found.sequence + 1)
        if found.body != self._message(event).body:
            raise AnotherHistory(
                f"the stream {self._stream.name} is at position {_position_of(last)} and does not hold the event of"
                f" position {event.position}: the log was restored, or the stream was changed"
            )
        return True

    def _at(self, sequence: int) -> Message:
        """Return a message up to the last one; a node that has just taken the lead may not show it yet."""
        found = self._stream.at(sequence)
        if found is None:
            raise ReceiverAway(f"the stream {self._stream.name}", f"it does not show its message {sequence}")
        return found

    def differences(self) -> Sequence[str]:
        """Say which messages of the stream are of events that the log does not hold."""
        last = found = self._stream.last()
        while found is not None and found.sequence and not self._is_of_the_log(found):
            found = self._at(found.sequence - 1) if found.sequence > 1 else None
        if last is None or found == last:
            return ()
        if found is None:
            return [f"holds nothing of this log in the stream {self._stream.name}: name another JETSTREAM_STREAM"]
        first = _position_of(self._at(found.sequence + 1))
        where = f"at positions {first} to {_position_of(last)} in the stream {self._stream.name}"
        return [f"has events {where} that are not in the log: read them there, and name another JETSTREAM_STREAM"]

    def _is_of_the_log(self, message: Message) -> bool:
        event = store.read_event(_position_of(message))
        return event is not None and message.body == self._message(event).body

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()


def _position_of(message: Message) -> int:
    return int(message.headers.get(POSITION, "0"))


def configured(name: str) -> Stream:
    """Return a stream of the servers that the settings name."""
    return Stream(settings.JETSTREAM_URL, name, settings.JETSTREAM_REPLICAS)
