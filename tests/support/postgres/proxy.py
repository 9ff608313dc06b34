"""A proxy before PostgreSQL's socket that cuts connections, after as many bytes as chance has it."""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Self

_PORT: Final = 5432
_PIECE: Final = 4096


class CuttingProxy:
    """Listens in a directory as the server does, and forwards; `cutting` says whether connections are cut.

    A cut falls anywhere: in the middle of a statement, after it has arrived and before its answer, or in the answer.
    """

    def __init__(self, folder: Path, server: str, seed: int, most_bytes: int) -> None:
        self.folder, self.cuts, self.cutting = folder, 0, True
        self._server, self._chance, self._most_bytes = f"{server}/.s.PGSQL.{_PORT}", Random(seed), most_bytes
        self._listener = socket.socket(socket.AF_UNIX)
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._listener.bind(str(self.folder / f".s.PGSQL.{_PORT}"))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all connections."""
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._open |= {client, server}
                _Pair(self, client, server, self._chance.randrange(self._most_bytes)).begin()

    def done_with(self, *ends: socket.socket) -> None:
        """Forget a connection."""
        self._open -= set(ends)


class _Pair:
    """One connection and its budget of bytes, which both directions use up."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket, left: int) -> None:
        self._proxy, self._client, self._server, self._left = proxy, client, server, left

    def begin(self) -> None:
        for source, target in ((self._client, self._server), (self._server, self._client)):
            threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):  # the other direction has closed it
            while data := source.recv(_PIECE):
                if self._proxy.cutting and len(data) > self._left:
                    target.sendall(data[: self._left])
                    self._proxy.cuts += 1
                    break
                self._left -= len(data)
                target.sendall(data)
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._proxy.done_with(self._client, self._server)
