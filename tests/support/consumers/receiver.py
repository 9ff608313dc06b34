"""Another system that takes events over a socket, and the relay `courier` that hands them on to it."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Thread
from typing import ClassVar, Final

from eventstore.consumers.definitions import Relay
from eventstore.errors import ReceiverAway
from eventstore.records import RecordedEvent

PORT: Final = "PROBE_RECEIVER_PORT"
"""The environment variable that names the port of the receiver."""
_LOCALHOST: Final = "127.0.0.1"


class MessageRefused(Exception):
    """The receiver does not take this message, however often it comes."""


class Courier(Relay):
    """Sends the position and the type of each event as one line, and waits for the answer to each."""

    name = "courier"
    types: ClassVar[tuple[str, ...] | None] = ("ParcelRegistered",)

    def hand_on(self, events: Sequence[RecordedEvent]) -> None:
        """Send each event and wait until it is taken."""
        address = (_LOCALHOST, int(os.environ[PORT]))
        try:
            with socket.create_connection(address) as connection, connection.makefile("rw") as lines:
                for event in events:
                    lines.write(f"{event.position} {event.payload['name']}\n")
                    lines.flush()
                    answer = lines.readline().strip()
                    if not answer:
                        raise ReceiverAway("the receiver", "it hung up")
                    if answer != "taken":
                        raise MessageRefused(answer)
        except OSError as error:
            raise ReceiverAway("the receiver", error.strerror or str(error)) from error


class LateCourier(Courier):
    """A relay that begins at the head."""

    name = "late_courier"
    types = None
    begins_at_head = True


class Receiver:
    """Keeps the positions that have come, in their order, and refuses those with a name in `poison`."""

    def __init__(self, port: int = 0) -> None:
        self.received: list[int] = []
        self.poison: set[str] = set()
        self._server = socket.create_server((_LOCALHOST, port), reuse_port=False)
        self.port: int = self._server.getsockname()[1]
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rw") as lines:
            for line in lines:
                position, name = line.split(maxsplit=1)
                self.received.append(int(position))
                lines.write("bad name\n" if name.strip() in self.poison else "taken\n")
                lines.flush()

    def taken_once(self) -> list[int]:
        """Return the positions as a receiver takes them that ignores what is not beyond the last one."""
        taken = [0]
        for position in self.received:
            if position > taken[-1]:
                taken.append(position)
        return taken[1:]

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver, to which `courier` hands on."""
    receiver = Receiver()
    os.environ[PORT] = str(receiver.port)
    try:
        yield receiver
    finally:
        receiver.close()
        del os.environ[PORT]
