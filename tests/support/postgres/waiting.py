"""Waits until the process that owns a test's PostgreSQL server is gone, also after a crash, and ends what it has left.

Run as `python -m tests.support.postgres.waiting ROOT DATA`. Its standard input is a pipe whose other end only the owner
holds, so end of file means that the owner has finished, crashed or been killed with -9.
"""

import shutil
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.stdin.buffer.read()
    root, data = map(Path, sys.argv[1:])
    if root.exists():
        # It loads psutil, which takes longer than all else; an owner that has finished has left nothing.
        from tests.support.postgres import watchdog

        watchdog.end_server(data)
        shutil.rmtree(root, ignore_errors=True)
