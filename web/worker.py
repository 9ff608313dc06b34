"""gunicorn's worker of threads, which no client can keep from serving the others by doing nothing.

# Note [Nobody waits for a client]
A connection that is to be closed is shut down for writing, and what still comes is read and thrown away until the
client closes too: else the rest of a body that was refused would make the client's machine throw away the answer.
gunicorn does that in the thread that accepts connections, for two seconds each. Here it is one more thing that this
thread listens to. And whoever stops in the middle of a request, or of reading its answer, is given up after a while.
"""

import socket
import struct
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any, Final

from gunicorn.workers.gthread import TConn, ThreadWorker

_LINGER_S: Final = 2.0
_CHUNK: Final = 1024 * 1024


class Worker(ThreadWorker):  # type: ignore[misc] # has no types
    """Closes and gives up connections as Note [Nobody waits for a client] says."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: deque[TConn] = deque()

    def enqueue_req(self, conn: TConn) -> None:
        """Let a thread handle a connection, and wait for its client no longer than for a worker."""
        patience = struct.pack("ll", int(self.cfg.timeout), 0)
        with suppress(OSError):
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                conn.sock.setsockopt(socket.SOL_SOCKET, option, patience)
        super().enqueue_req(conn)

    def finish_request(self, conn: TConn, fs: "Future[Any]") -> None:
        """Keep the connection for another request, or close it."""
        if fs.cancelled() or (fs.exception() is None and not fs.result()):
            self._linger(conn)
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """End what has waited long enough; it is called each second at least."""
        super().murder_pending()
        while self._lingering and self._lingering[0].timeout <= time.monotonic():
            self._end(self._lingering[0])

    def _linger(self, conn: TConn) -> None:
        conn.timeout = time.monotonic() + _LINGER_S
        self._lingering.append(conn)
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, EVENT_READ, partial(self._throw_away, conn))
        except (OSError, ValueError, KeyError):  # it is closed already
            self._end(conn)

    def _throw_away(self, conn: TConn, sock: socket.socket) -> None:
        try:
            ended = not sock.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            ended = True
        if ended:
            self._end(conn)

    def _end(self, conn: TConn) -> None:
        with suppress(OSError, ValueError, KeyError):
            self.poller.unregister(conn.sock)
        self._lingering.remove(conn)
        self.nr_conns -= 1
        conn.close()
