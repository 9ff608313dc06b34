"""The seals in a stream of JetStream: message n is the seal n, and none is ever changed or removed."""

from eventstore import store
from eventstore.errors import EventStoreError
from processmanagers.proofs import published
from relays.jetstream.stream import Message, Stream, WrongLastSequence
from relays.log_id import log_id


class AnchorDiffers(EventStoreError):
    """The seals of the log are not those in the stream."""


def anchor(stream: Stream, head: int) -> tuple[int, int]:
    """Append the seals that the stream lacks; return how many there are, and how many it had.

    Raises AnchorDiffers if one that it has is not that of the log, and ReceiverAway.
    """
    last, number = stream.last(), 0
    known, own = 0 if last is None else last.sequence, log_id()
    for number, event in enumerate(store.read_all(types=["DaySealed"], up_to=head), start=1):
        line = published(event.data).encode()
        if number > known:
            message = Message(f"{stream.name}.DaySealed", line, {"Nats-Msg-Id": f"{own}:seal:{number}"})
            try:
                stream.append([message], number - 1)
            except WrongLastSequence as error:
                raise AnchorDiffers(f"another process writes to the stream {stream.name}: try again") from error
            continue
        found = stream.at(number)
        if found is None or found.body != line:
            raise AnchorDiffers(
                f"message {number} of the stream {stream.name} is not the seal of {event.data.sealed_date} that the log"
                " has now: the log or the stream was changed"
            )
    if number < known:
        raise AnchorDiffers(f"the stream {stream.name} has {known} seals and the log only {number}: seals were removed")
    return number, known
