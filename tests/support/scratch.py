"""Where the tests put what need not outlive them."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the name below it
_PLENTY: Final = 2 << 30
_MAX_LENGTH: Final = 80


def quick() -> str:
    """Return a directory in memory if the machine has room, ten times as quick as a busy disk."""
    roomy = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _PLENTY
    return str(_MEMORY) if roomy else durable()


def durable() -> str:
    """Return the directory of temporary files, or /tmp if its path is too long for a socket."""
    directory = tempfile.gettempdir()
    return directory if len(directory) < _MAX_LENGTH else "/tmp"  # noqa: S108 - mkdtemp makes the name below it
