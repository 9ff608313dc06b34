"""The ledger that two years of real invoices make, prepared once for all tests that read it."""

import csv
import os
import random
import tempfile
import time
from datetime import date, datetime
from pathlib import Path
from typing import Final

from eventstore.models import Home
from tests.support import processes, scratch
from tests.support.databases import Database, Databases, connected_as
from tests.support.ledger.invoices import Row, content, made_up
from tests.support.postgres.roles import OWNER

GIVEN: Final = Path(os.environ.get("RECEIVABLES_CSV") or processes.ROOT.parent / "shared" / "data" / "receivables.csv")
_LATE_FEES: Final = ("run_processmanager", "late_fees")


def replayed(databases: Databases) -> Database:
    """Return a database of the caller's own with the whole replay; made-up invoices stand in if the file is missing."""
    own, _ = databases.prepared("replay", _prepare)
    return own


def real_invoices() -> list[Row]:
    """Return the rows of the given file."""
    with GIVEN.open(newline="") as file:
        return [
            Row(
                line["customerID"],
                line["invoiceNumber"],
                _day(line["InvoiceDate"]),
                _day(line["DueDate"]),
                line["InvoiceAmount"],
                _day(line["SettledDate"]),
            )
            for line in csv.DictReader(file)
        ]


def _day(text: str) -> date:
    return datetime.strptime(text, "%d/%m/%Y").date()  # noqa: DTZ007 - a date has no time zone


def _prepare(database: Database) -> None:
    with tempfile.TemporaryDirectory(dir=scratch.quick()) as folder:
        file = GIVEN
        if not GIVEN.exists():
            file = Path(folder) / "invoices.csv"
            file.write_text(content(made_up()))
        _import_while_late_fees_are_killed(database, file, Path(folder))
    for command in ((*_LATE_FEES, "--once"), ("run_projector", "--once")):
        processes.run(processes.manage(*command), database.env, check=True)
    with connected_as(OWNER):
        Home.objects.all().delete()  # each copy is at home where something first acts in it


def _import_while_late_fees_are_killed(database: Database, file: Path, folder: Path) -> None:
    """Import a file; meanwhile another process charges late fees and is killed at random moments.

    It lags behind the import, so that many fees are recorded after the dates that they count for.
    """
    importing = _started(database, folder / "import", "import_receivables", str(file), "--without-late-fees")
    chance = random.Random(5)
    killed = 0
    while importing.poll() is None:
        late_fees = _started(database, folder / f"late-fees-{killed}", *_LATE_FEES)
        time.sleep(chance.uniform(1, 5))
        late_fees.kill_group()
        killed += 1
    assert importing.returncode == 0, importing.errors()


def _started(database: Database, folder: Path, *command: str) -> processes.Started:
    folder.mkdir()
    return processes.Started(processes.manage(*command), database.env, folder)
