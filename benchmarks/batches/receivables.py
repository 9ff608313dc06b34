"""How long the import of a large file takes, with late fees: on a PostgreSQL that flushes, or on SQLite.

`python -m benchmarks.batches.receivables [--lines N] [--days N] [--sqlite]`. The invoices of the made-up file are of as
many dates, due after 30 days and settled after 5 to 45, so that every third is charged late fees of a week on average.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from benchmarks.page.figures import record
from benchmarks.report import say
from benchmarks.server import environment_of, manage, server, server_time

_BEGIN = date(2024, 1, 1)
_FORM = "%d/%m/%Y"
_LINES = 100_000
_PER_CUSTOMER = 20


def write(path: Path, lines: int, days: int) -> None:
    """Write a file of so many invoices."""
    chance = random.Random(1)
    with path.open("w") as file:
        file.write("customerID,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,SettledDate\n")
        for number in range(lines):
            invoiced = _BEGIN + timedelta(days=number * days // lines)
            due, settled = (invoiced + timedelta(days=more) for more in (30, chance.randint(5, 45)))
            customer, amount = chance.randint(1, max(1, lines // _PER_CUSTOMER)), chance.randint(1_00, 900_00) / 100
            dates = f"{invoiced:{_FORM}},{due:{_FORM}},{amount:.2f},{settled:{_FORM}}"
            file.write(f"C-{customer},{1000 + number},{dates}\n")


def nothing(_url: str) -> float:
    """Return the processor time of a server that SQLite does not have."""
    return 0.0


@contextmanager
def database(folder: Path, *, sqlite: bool) -> Iterator[tuple[str, Callable[[str], float]]]:
    """Yield the URL of a migrated database, and what says how long its server has worked."""
    if sqlite:
        url = f"sqlite:///{folder}/ledger.sqlite3"
        manage(url, "migrate", "--verbosity", "0")
        yield url, nothing
        return
    with server(settings={"autovacuum": "on"}) as url:
        yield url, server_time


def main() -> None:
    """Import the file once and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=_LINES)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--sqlite", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "invoices.csv"
        write(path, arguments.lines, arguments.days)
        with database(Path(name), sqlite=arguments.sqlite) as (url, server_seconds):
            before, began = server_seconds(url), time.perf_counter()
            command = [sys.executable, "manage.py", "import_receivables", str(path), "--yes"]
            with subprocess.Popen(command, env=environment_of(url), stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                report = process.stdout.read()
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            took, server_took = time.perf_counter() - began, server_seconds(url) - before
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, command)
            say(report.rstrip())
            if arguments.lines == _LINES and not arguments.sqlite:
                record("import-receivables", "s", [took])
            manage(url, "verify_eventstore")
    say(
        f"{arguments.lines:,} lines in {took:.0f} s: {arguments.lines / took:,.0f} a second; processor time"
        f" {usage.ru_utime + usage.ru_stime:.0f} s of the import and {server_took:.0f} s of the server;"
        f" {usage.ru_maxrss / 1024:,.0f} MiB at most; load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
