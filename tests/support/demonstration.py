"""The demonstration, which is played once in a run for all tests that begin with its ledger."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support import processes, shared

GOLDEN: Final = processes.ROOT / "tests" / "golden" / "demo.txt"
"""What each run prints."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Its database, which is at home nowhere so that each copy may act, and what it printed."""

    database: Path
    output: str


def demonstration() -> Demonstration:
    """Return the demonstration of this run; it replaces the database of an earlier one, which is there already."""
    database, printed = (shared.folder() / f"demo.{suffix}" for suffix in ("sqlite3", "txt"))

    def play() -> None:
        with closing(sqlite3.connect(database)) as earlier:
            earlier.executescript("CREATE TABLE eventstore_event AS SELECT 1 AS position, 'demo' AS actor")
        done = processes.run(processes.manage("demo", "--database", str(database)), os.environ, check=True)
        printed.write_text(done.stdout.replace(str(database), "$PWD/var/demo.sqlite3"))
        with closing(sqlite3.connect(database)) as played, played:
            played.execute("DELETE FROM eventstore_home")

    shared.once("demo", play)
    return Demonstration(database, printed.read_text())
