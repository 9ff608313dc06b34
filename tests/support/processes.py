"""manage.py in processes of its own, as operators run it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

ROOT: Final = Path(__file__).resolve().parents[2]

PATIENCE_S: Final = 300
"""How long a test waits for what must happen: far longer than the slowest machine takes.

It decides no outcome but that of a hang. pytest's own limit, in pyproject.toml, is longer than any test waits in all.
"""


class RunManage(Protocol):
    """Runs `manage.py` on the test's database until it ends; with `check` it must succeed."""

    def __call__(
        self, *args: str, check: bool = True, env: Mapping[str, str] | None = None, timeout: float = PATIENCE_S
    ) -> subprocess.CompletedProcess[str]:
        """Return what it wrote and how it ended; `env` is added to the environment."""
        ...


class StartManage(Protocol):
    """Starts `manage.py` on the test's database and returns at once; it is killed when the test ends."""

    def __call__(self, *args: str, env: Mapping[str, str] | None = None) -> "Started":
        """Return the process; `env` is added to the environment."""
        ...


Finished = subprocess.CompletedProcess[str]


class Started(subprocess.Popen[bytes]):
    """A process that writes into files, so that it never waits for a reader, and that leads its own group."""

    def __init__(
        self,
        arguments: list[str],
        environment: Mapping[str, str],
        directory: Path,
        *,
        pass_fds: Collection[int] = (),
        cwd: Path = ROOT,
    ) -> None:
        self.stdout_path, self.stderr_path = directory / "stdout", directory / "stderr"
        with self.stdout_path.open("wb") as stdout, self.stderr_path.open("wb") as stderr:
            super().__init__(
                arguments,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        del vars(self)["errors"]  # Popen's own, None for bytes, would hide the method

    def output(self) -> str:
        """Return what it has written to standard output so far."""
        return self.stdout_path.read_text()

    def errors(self) -> str:
        """Return what it has written to standard error so far."""
        return self.stderr_path.read_text()

    def kill_group(self) -> None:
        """Kill it and whatever it started with -9, and wait for it."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


def manage(*args: str) -> list[str]:
    """Return the command line of `manage.py`."""
    return [sys.executable, str(ROOT / "manage.py"), *args]


def run(
    arguments: list[str], env: Mapping[str, str], *, check: bool, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a command in the project's folder; with `check` fail the test, showing its output, unless it succeeds."""
    done = subprocess.run(
        arguments,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check and done.returncode:
        message = f"{' '.join(arguments[1:])} exited with {done.returncode}\n{done.stdout}\n{done.stderr}"
        raise AssertionError(message)
    return done


def wait_until(condition: Callable[[], object], *, timeout: float = PATIENCE_S, every: float = 0.02) -> None:
    """Return as soon as the condition is true; fail the test if it never is."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            message = f"not so within {timeout} s: {getattr(condition, '__name__', condition)}"
            raise AssertionError(message)
        time.sleep(every)
