"""Ends a throwaway cluster and deletes its folder when the process that owns it is gone, also after a crash.

Run as `python watchdog.py ROOT MARK`. Its standard input is a pipe whose other end only the owner holds.
"""

import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from tests.support.postgres.watchdog import kill_server


def end(root: Path, mark: str) -> None:
    """Kill every process that was started for the cluster, then the servers that Patroni has left."""
    while found := processes_of(root, mark):
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(0.05)
    for data in root.glob("*/postgres"):
        kill_server(data)


def processes_of(root: Path, mark: str) -> list[psutil.Process]:
    """Return the processes whose environment names the cluster's folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(mark) == str(root):
                found.append(process)
    return found


if __name__ == "__main__":
    sys.stdin.buffer.read()
    end(Path(sys.argv[1]), sys.argv[2])
    shutil.rmtree(sys.argv[1], ignore_errors=True)
