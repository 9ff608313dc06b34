"""Starts processes as forks of the resident one."""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.support.resident.requests import Request, connect, receive_number

ROOT: Final = Path(__file__).resolve().parents[3]
_POLL: Final = 0.0


class Forked:
    """A process that the resident one has forked; it is used like a subprocess.Popen."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self.pid = receive_number(server)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._ended_within(_POLL)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status once it has ended; raises subprocess.TimeoutExpired."""
        status = self._ended_within(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def _ended_within(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._server], [], [], timeout)[0]:
            self.returncode = receive_number(self._server)
            self._server.close()
        return self.returncode


def start(
    address: str, command: Sequence[str], environment: Mapping[str, str], files: Mapping[int, int], folder: Path = ROOT
) -> Forked:
    """Have a resident process start a command of Python that leads its own process group.

    `files` are the open files by their numbers.
    """
    server = connect(address)
    request = Request(list(command), str(folder), dict(environment), list(files), leads_group=True)
    request.send(server, list(files.values()))
    return Forked(server)


class Resident:
    """A resident process with one environment; it ends with this process, however that ends.

    If another file is given as its standard input, it ends when that file does.
    """

    def __init__(
        self, environment: Mapping[str, str], root: Path = ROOT, *, web: bool = False, stdin: int = subprocess.PIPE
    ) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="daybook-"))
        self.address = str(self._directory / "socket")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.resident.server", self.address, *(["web"] if web else [])],
            cwd=root,
            env=environment,
            stdin=stdin,
            start_new_session=True,
        )
        while not Path(self.address).exists():
            if self._process.poll() is not None:
                self.close()
                message = "the resident process did not start"
                raise RuntimeError(message)
            select.select([], [], [], 0.01)

    def close(self) -> None:
        """End the resident process, and what it has started without a group of its own."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        shutil.rmtree(self._directory, ignore_errors=True)
