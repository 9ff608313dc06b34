"""What the processes of one run share: made once, by the first of them that needs it."""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support import scratch

DIRECTORY: Final = "DAYBOOK_TEST_SHARED"
"""The environment variable that names the folder of the run."""


@dataclass(frozen=True, slots=True)
class Lifeline:
    """A pipe whose reader sees the end once its owner and all forks of it have ended; `keeps` is only held open."""

    owner: int
    ends: int
    keeps: int


lifeline: Final = Lifeline(os.getpid(), *os.pipe())


def begin() -> None:
    """Make the folder of a run, unless this process is part of a run already; it is deleted when this process ends."""
    if DIRECTORY not in os.environ:
        os.environ[DIRECTORY] = tempfile.mkdtemp(prefix="daybook-run-", dir=scratch.quick())
        atexit.register(shutil.rmtree, os.environ[DIRECTORY], ignore_errors=True)


def folder() -> Path:
    """Return the folder of the run."""
    return Path(os.environ[DIRECTORY])


def once(name: str, make: Callable[[], None]) -> None:
    """Make something, unless another process of the run has made what has this name; wait while it is being made."""
    done = folder() / f"{name}.done"
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make()
            done.touch()
