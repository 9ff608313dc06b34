"""Ask the resident process to run manage.py, in the caller's folder and with its standard input, output and error."""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Final

MOST: Final = 1 << 20
"""Bytes that arguments and environment may have together."""


def ask(address: str, arguments: list[str]) -> int:
    """Have a command run, and return its exit status."""
    said = json.dumps({"arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ)}).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(address)
        socket.send_fds(server, [said], [0, 1, 2])
        return int(server.recv(16))


if __name__ == "__main__":
    sys.exit(ask(sys.argv[1], sys.argv[2:]))
