"""Has the resident process run a program, in the caller's folder and with its standard input, output and error.

`python -S …/asking.py SOCKET ARGUMENT…` is typed in the place of `python ARGUMENT…`, hundreds of times. It imports
hardly anything: json, socket and dataclasses would take 0.04 s of processor time each time.
"""

import os
import sys
from _json import encode_basestring_ascii as quoted
from _signal import SIGTERM, signal  # type: ignore[import-not-found] # typeshed does not describe it
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET, socket


def ask(address: str, arguments: list[str]) -> int:
    """Have a program run, and return its exit status; the request is a `requests.Request`. SIGTERM is passed on."""
    command = ", ".join(map(quoted, (sys.executable, *arguments)))
    environment = ", ".join(f"{quoted(name)}: {quoted(value)}" for name, value in os.environ.items())
    request = f'{{"command": [{command}], "folder": {quoted(os.getcwd())}, "environment": {{{environment}}}}}'  # noqa: PTH109 - pathlib takes long
    files = b"".join(file.to_bytes(4, sys.byteorder) for file in (0, 1, 2))
    server = socket(AF_UNIX, SOCK_SEQPACKET)
    server.connect(address)
    server.sendmsg([request.encode()], [(SOL_SOCKET, SCM_RIGHTS, files)])
    began = server.recv(32)
    if began:
        signal(SIGTERM, lambda number, _: os.kill(int(began), number))
    status = server.recv(32)
    if not status:
        sys.exit("the resident process has ended")
    return int(status)


if __name__ == "__main__":
    sys.exit(ask(sys.argv[1], sys.argv[2:]))
