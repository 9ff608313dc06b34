"""manage.py in processes of its own, as operators run it."""

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final, Protocol

import psutil

from tests.support import shared
from tests.support.patience import PATIENCE_S
from tests.support.resident.client import Forked, Resident, start

ROOT: Final = Path(__file__).resolve().parents[2]

_ENVIRONMENT: Final = dict(os.environ)

WEB: Final = {"WEB_WORKERS": "1", "WEB_THREADS": "16"}
"""How the web is served in tests, unless they say otherwise."""


class RunManage(Protocol):
    """Runs `manage.py` on the test's database until it ends; with `check` it must succeed."""

    def __call__(
        self, *args: str, check: bool = True, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Return what it wrote and how it ended; `env` is added to the environment."""
        ...


class StartManage(Protocol):
    """Starts `manage.py` on the test's database and returns at once; it is killed when the test ends."""

    def __call__(self, *args: str, env: Mapping[str, str] | None = None) -> "Started":
        """Return the process; `env` is added to the environment."""
        ...


Finished = subprocess.CompletedProcess[str]
Process = subprocess.Popen[bytes] | Forked


class Started:
    """A process that writes into files, so that it never waits for a reader, and that leads its own group."""

    def __init__(
        self,
        arguments: list[str],
        environment: Mapping[str, str],
        directory: Path,
        *,
        pass_fds: Collection[int] = (),
        cwd: Path = ROOT,
        alone: bool = False,
    ) -> None:
        self.stdout_path, self.stderr_path = directory / "stdout", directory / "stderr"
        with self.stdout_path.open("wb") as stdout, self.stderr_path.open("wb") as stderr:
            self._process = begin(arguments, environment, cwd, (stdout, stderr), pass_fds, alone=alone)
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, or None while it runs."""
        return self.poll()

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._process.poll()

    def wait(self, timeout: float | None = PATIENCE_S) -> int:
        """Return the exit status once it has ended."""
        return self._process.wait(timeout)

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it with -9."""
        self.send_signal(signal.SIGKILL)

    def output(self) -> str:
        """Return what it has written to standard output so far."""
        return self.stdout_path.read_text()

    def errors(self) -> str:
        """Return what it has written to standard error so far."""
        return self.stderr_path.read_text()

    def kill_group(self) -> None:
        """Kill it and all that it started with -9, and wait for it."""
        if self.poll() is not None and psutil.pid_exists(self.pid):
            return  # It has ended, nothing of its group is left, and its number is another's by now.
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


def manage(*args: str) -> list[str]:
    """Return the command line of `manage.py`."""
    return [sys.executable, str(ROOT / "manage.py"), *args]


def run(arguments: list[str], env: Mapping[str, str], *, check: bool) -> Finished:
    """Run a command in the project's folder; with `check` fail the test, showing its output, unless it succeeds."""
    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        process = begin(arguments, env, ROOT, (stdout, stderr))
        try:
            status = process.wait(PATIENCE_S)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        output, errors = map(_content, (stdout, stderr))
    if check and status:
        message = f"{' '.join(arguments[1:])} exited with {status}\n{output}\n{errors}"
        raise AssertionError(message)
    return Finished(arguments, status, output, errors)


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def begin(
    arguments: list[str],
    environment: Mapping[str, str],
    folder: Path,
    outputs: tuple[IO[bytes], IO[bytes]],
    pass_fds: Collection[int] = (),
    *,
    alone: bool = False,
) -> Process:
    """Start a process that leads its own group: a fork of a resident one unless it must be `alone`."""
    stdout, stderr = outputs
    if folder == ROOT and not alone and _may_fork(arguments):
        with Path(os.devnull).open("rb") as stdin:
            files = {0: stdin.fileno(), 1: stdout.fileno(), 2: stderr.fileno(), **{fd: fd for fd in pass_fds}}
            return start(resident_address(web="gunicorn" in arguments), arguments, environment, files)
    return subprocess.Popen(
        arguments,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        pass_fds=pass_fds,
    )


def _may_fork(arguments: list[str]) -> bool:
    program, *command = arguments
    module = command[1] if command[:1] == ["-m"] else ""
    ours = command[:1] == [str(ROOT / "manage.py")] or module.startswith("tests.") or module == "gunicorn"
    return program == sys.executable and ours


_begun: Final[list[Resident]] = []
"""The resident processes that this process has started, which end with the last process of the run."""


@cache
def resident_address(*, web: bool) -> str:
    """Return the address of the run's resident process for commands or for servers, which the first need starts."""
    shared.begin()
    address = shared.folder() / f"resident-{'web' if web else 'commands'}-of-{shared.lifeline.owner}"

    def begin() -> None:
        environment = {**_ENVIRONMENT, **(WEB if web else {}), "PYTHONUNBUFFERED": "1"}
        _begun.append(Resident(environment, web=web, stdin=shared.lifeline.ends))
        address.write_text(_begun[-1].address)
        if os.getpid() == shared.lifeline.owner:  # else other forks may still need it
            atexit.register(_begun[-1].close)

    shared.once(address.name, begin)
    return address.read_text()
