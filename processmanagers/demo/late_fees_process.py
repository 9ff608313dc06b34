"""Runs late_fees in a process of its own: to the end, or until it is killed with SIGKILL while it records fees."""

import subprocess
import sys
import time
from typing import Final

from eventstore import store
from processmanagers.demo.output import DemoFailed

_SMALL_CHUNKS: Final = ("--batch-size", "2")
_KILL_AFTER_FEES: Final = 6
_TIMEOUT_S: Final = 300


def run_late_fees_killed_once() -> int:
    """Kill late_fees as soon as it has recorded some fees, and return how many there are then."""
    with _start_late_fees(*_SMALL_CHUNKS) as process:
        deadline = time.monotonic() + _TIMEOUT_S
        while process.poll() is None and _count_fees() < _KILL_AFTER_FEES and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
    if process.returncode == 0:
        message = "late_fees ended before it could be killed"
        raise DemoFailed(message)
    return _count_fees()


def run_late_fees() -> None:
    """Run late_fees until it has caught up."""
    with _start_late_fees() as process:
        if process.wait(_TIMEOUT_S) != 0:
            message = "late_fees did not catch up"
            raise DemoFailed(message)


def _start_late_fees(*options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, sys.argv[0], "run_processmanager", "late_fees", "--once", *options]
    return subprocess.Popen(command)


def _count_fees() -> int:
    return sum(1 for _ in store.read_all(types=["LateFeeIncurred"]))
