"""The demonstration, which is played once in a run for all tests that begin with its ledger."""

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support import processes, scratch, shared
from tests.support.documents.clone import NEITHER, cloned, make

GOLDEN: Final = processes.ROOT / "tests" / "golden" / "demo.txt"
"""What each run prints."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Its database, which is at home nowhere so that each copy may act, and what it printed."""

    database: Path
    output: str


def demonstration() -> Demonstration:
    """Return the demonstration of this run, which `make demo` has played in a clone."""
    database, printed = (shared.folder() / f"demo.{suffix}" for suffix in ("sqlite3", "txt"))

    def play() -> None:
        printed.write_text(_played_alone(database) if NEITHER else _played_in_a_clone(database))
        with closing(sqlite3.connect(database)) as played, played:
            played.execute("DELETE FROM eventstore_home")

    shared.once("demo", play)
    return Demonstration(database, printed.read_text())


def _played_in_a_clone(database: Path) -> str:
    with tempfile.TemporaryDirectory(dir=scratch.quick()) as folder:
        clone = cloned(Path(folder) / "daybook")
        done = make(clone, "demo")
        assert done.returncode == 0, done.stderr
        shutil.move(clone / "var" / "demo.sqlite3", database)
    return done.stdout


def _played_alone(database: Path) -> str:
    done = processes.run(processes.manage("demo", "--database", str(database)), os.environ, check=True)
    return done.stdout.replace(str(database), "$PWD/var/demo.sqlite3")
