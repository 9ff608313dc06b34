"""A file system of a few megabytes, to be filled."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A mounted file system, and a file in it that takes the space away."""

    def __init__(self, root: Path) -> None:
        self.root, self._ballast = root, root / "ballast"

    def fill(self) -> None:
        """Leave no room."""
        status = os.statvfs(self.root)
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize)

    def free(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def mounted(root: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a file system in memory; the test is skipped if this user may not."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(root)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"there is no mount: {error}")
    if done.returncode:
        pytest.skip(f"only a user who may mount can fill a disk of its own: {done.stderr.strip()}")
    try:
        yield SmallDisk(root)
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=False)
