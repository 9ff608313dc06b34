"""A clone of the project's last commit, in which a newcomer types `make`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.processes import ROOT

NEITHER: Final = shutil.which("make") is None or not (ROOT / ".git").exists()
"""Whether there is no make, or the project is no repository, so that nothing can be cloned."""
_OURS: Final = re.compile(
    r"(DATABASE_URL|SECRET_KEY|DEBUG|HYDRATION_.*|DAYBOOK_.*|DJANGO_.*|PYTEST.*|PYTHON.*|MAKE.*|MFLAGS)"
)


def cloned(folder: Path) -> Path:
    """Clone the last commit into a folder; the packages that run the tests are installed there already."""
    git("clone", "--quiet", "--depth", "1", f"file://{ROOT}", str(folder))
    venv = folder / ".venv"
    venv.mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name in {"bin", "include", "lib", "lib64", "pyvenv.cfg"}:
            (venv / part.name).symlink_to(part)
    for done in ("made", "runtime", "development"):
        (venv / done).touch()
    return folder


def git(*arguments: str) -> None:
    """Run git, which trusts a project that belongs to another user."""
    subprocess.run(["git", "-c", "safe.directory=*", *arguments], check=True, capture_output=True)


def environment(**settings: str) -> dict[str, str]:
    """Return a newcomer's environment: none of our settings is in it but those that are given."""
    kept = {name: value for name, value in os.environ.items() if not _OURS.fullmatch(name)}
    return {**kept, **settings}


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in a clone until it ends."""
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
