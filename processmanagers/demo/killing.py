"""late_fees in a process of its own, killed with -9 while it works and then run again."""

import subprocess
import sys
import time
from typing import Final

from eventstore import store
from processmanagers.demo.telling import DemoFailed

_SMALL_CHUNK: Final = ("--batch-size", "2")
_KILL_AFTER: Final = 6
_PATIENCE_S: Final = 30


def run_late_fees_killed_once() -> int:
    """Kill late_fees with -9 as soon as it has recorded some fees; return how many there were then."""
    with _late_fees(*_SMALL_CHUNK) as process:
        deadline = time.monotonic() + _PATIENCE_S
        while process.poll() is None and _fees() < _KILL_AFTER and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
    if process.returncode == 0:
        message = "late_fees was done before it could be killed"
        raise DemoFailed(message)
    return _fees()


def run_late_fees() -> None:
    """Let late_fees catch up."""
    with _late_fees() as process:
        if process.wait(_PATIENCE_S) != 0:
            message = "late_fees did not catch up"
            raise DemoFailed(message)


def _late_fees(*options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, sys.argv[0], "run_processmanager", "late_fees", "--once", *options]
    return subprocess.Popen(command)


def _fees() -> int:
    return sum(1 for _ in store.read_all(types=["LateFeeIncurred"]))
