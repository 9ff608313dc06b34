"""The sockets that gunicorn serves from: a client can hold a thread only for a limited time.

# Note [A client cannot hold a thread]
gunicorn's threads wait for a client without a limit. A client that stops, or sends one byte now and then, would keep
its thread. Therefore the server waits at most WEB_CLIENT_TIMEOUT in total for a request, and as long for the client to
read the answer. Then the sockets raise the error of a lost connection, and gunicorn ends the request without a
traceback.

gunicorn closes connections in the thread that accepts new ones, and waits there up to two seconds for each client to
close too. That wait protects an answer from being lost if the client is still sending a body that was refused. Here it
does not happen: the request's own thread reads the rest of the body after the answer.
"""

import errno
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from django.conf import settings
from gunicorn.http.errors import ParseException

_REQUEST: Final = "request"
_ANSWER: Final = "answer"
_REST_OF_A_BODY_S: Final = 2.0
_CHUNK: Final = 1024 * 1024
_IMPATIENT_AFTER_S: Final = 10.0
"""A client that ends its side of the connection may still wait for the answer, but hardly longer than this."""
GONE: Final = "The client has closed the connection. Nothing was recorded."


class Listener(socket.socket):
    """A listening socket whose connections limit how long their client may make the server wait."""

    def accept(self) -> "tuple[Connection, Any]":
        """Accept a connection."""
        accepted, address = super().accept()
        return Connection(fileno=accepted.detach()), address


class Connection(socket.socket):
    """A client's connection; see Note [A client cannot hold a thread]."""

    def __init__(self, *, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self._waits_for, self._seconds_left = "", 0.0
        self.quiet_since = time.monotonic()
        """The moment of the last answer, or at which the client connected: its next request came later."""

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Receive; raises ConnectionResetError if the request has not arrived in time."""
        with self._limited(_REQUEST, ConnectionResetError(errno.ECONNRESET, "the request took too long")):
            return super().recv(bufsize, flags)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send; raises BrokenPipeError if the client has not read its answer in time."""
        with self._limited(_ANSWER, BrokenPipeError(errno.EPIPE, "the client reads too slowly")):
            super().sendall(data, flags)
        self.quiet_since = time.monotonic()

    def shutdown(self, how: int, /) -> None:
        """End one direction or both; nothing waits for the client afterwards."""
        super().shutdown(how)
        self.wait_at_most(0)

    def wait_at_most(self, seconds: float) -> None:
        """Limit what is left to wait for the client to send."""
        self._waits_for, self._seconds_left = _REQUEST, seconds

    @contextmanager
    def _limited(self, waits_for: str, gone: OSError) -> Iterator[None]:
        if waits_for != self._waits_for:
            self._waits_for, self._seconds_left = waits_for, settings.WEB_CLIENT_TIMEOUT_S
        given, began = self.gettimeout(), time.monotonic()
        self.settimeout(self._seconds_left if given is None else min(given, self._seconds_left))
        try:
            yield
        except (TimeoutError, BlockingIOError):
            raise gone from None
        finally:
            self._seconds_left = max(0.0, self._seconds_left + began - time.monotonic())
            self.settimeout(given)


def is_gone(connection: object) -> bool:
    """Return whether the client has given up: it has ended its side of a connection that has long been quiet.

    A program that is killed and one that only sends no more look the same, until the server answers.
    """
    if not isinstance(connection, Connection) or time.monotonic() - connection.quiet_since < _IMPATIENT_AFTER_S:
        return False
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    return bool(poll.poll(0))


def listeners(sockets: list[Any]) -> list[Listener]:
    """Return gunicorn's listening sockets as sockets that limit what they accept."""
    return [Listener(fileno=each.dup().detach()) for each in sockets]


def discard_body(connection: object, body: Any) -> None:
    """Read what the application left of a request's body, for at most _REST_OF_A_BODY_S seconds."""
    if isinstance(connection, Connection) and body is not None:
        connection.wait_at_most(_REST_OF_A_BODY_S)
        with suppress(OSError, ParseException):
            while body.read(_CHUNK):
                pass
