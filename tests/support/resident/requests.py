"""What is asked of the resident process: a command, its folder, its environment and its files."""

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Self

MOST_BYTES: Final = 1 << 20
MOST_FILES: Final = 16


@dataclass(frozen=True, slots=True)
class Request:
    """A command line of Python, with what its process begins with; `numbers` are the file descriptors it is given."""

    command: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    numbers: Sequence[int] = (0, 1, 2)
    leads_group: bool = False

    def send(self, server: socket.socket, files: Sequence[int]) -> None:
        """Send the request, with the files that get these numbers."""
        socket.send_fds(server, [json.dumps(asdict(self)).encode()], files)

    @classmethod
    def receive(cls, client: socket.socket) -> tuple[Self, list[int]]:
        """Return the request and its files."""
        content, files, *_ = socket.recv_fds(client, MOST_BYTES, MOST_FILES)
        return cls(**json.loads(content)), files


def connect(address: str) -> socket.socket:
    """Return a connection to the resident process: it answers with the pid and then with the exit status."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.connect(address)
    return server


def receive_number(server: socket.socket) -> int:
    """Return the next number that the resident process answers; raises ConnectionError if it has gone."""
    content = server.recv(32)
    if not content:
        message = "the resident process has ended"
        raise ConnectionError(message)
    return int(content)
