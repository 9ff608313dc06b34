"""Measures each page of Books on a log of ten million events on PostgreSQL, or on any given database.

`python -m benchmarks.books [FILE] [--copies N] [--on DATABASE_URL]`: FILE holds invoices to import. The log of
the file is copied by SQL as many times as `--copies` says; what three copies make is verified first.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import django

from benchmarks.books.log import multiply
from benchmarks.report import say
from benchmarks.server import SETTINGS, environment_of, manage
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.roles import OWNER, SUPERUSER, as_role

SAMPLE: Final = 3
"""Copies whose log and read models are verified event by event."""

COPIES: Final = 530
"""Ten million events of the two years of invoices that the tests import."""


def measure(url: str) -> list[dict[str, Any]]:
    """Measure every page in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.books.worker"],
        env=environment_of(url, {"HTTPS_ONLY": "false", "LOG_LEVEL": "error"}),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    figures: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return figures


def report(figures: list[dict[str, Any]]) -> None:
    """Write the table that docs/performance.md quotes, the slowest page first."""
    say("| page | p50 | p95 | first | processor | statements | of a bare `SELECT 1` |")
    say("|---|---:|---:|---:|---:|---:|---:|")
    for each in sorted(figures, key=lambda figure: -figure["p50"]):
        times = f"{each['p50']:.0f} ms | {each['p95']:.0f} ms | {each['first']:.0f} ms | {each['processor']:.0f} ms"
        say(f"| {each['page']} | {times} | {each['statements']} | ×{each['p50'] / each['bare']:.0f} |")
    bare = sorted(figure["bare"] for figure in figures)
    say(f"a bare SELECT 1 through the same middleware: {bare[len(bare) // 2]:.1f} ms")


def prepared(cluster: Cluster, source: str, copies: int) -> str:
    """Return the URL of a database with so many copies of a log."""
    name = f"books_{copies}"
    cluster.create_database(name)
    url = cluster.url(name)
    manage(as_role(url, OWNER), "migrate", "--verbosity", "0")
    began = time.perf_counter()
    events = multiply(as_role(source, SUPERUSER), as_role(url, SUPERUSER), copies)
    subprocess.run([sys.executable, "-m", "benchmarks.books.rankings"], env=environment_of(url), check=True)
    say(f"{copies} copies: {events:,} events in {time.perf_counter() - began:,.0f} s")
    return url


def main() -> None:
    """Prepare the log, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--copies", type=int, default=COPIES)
    parser.add_argument("--on", metavar="DATABASE_URL", help="measure on this database, and prepare none")
    arguments = parser.parse_args()
    if arguments.on:
        report(measure(arguments.on))
        return
    with Cluster(durable=True, settings={**SETTINGS, "autovacuum": "off"}) as cluster:
        cluster.create_database("short")
        source = cluster.url("short")
        manage(as_role(source, OWNER), "migrate", "--verbosity", "0")
        manage(source, "import_receivables", str(file_of(arguments.file, source)), "--yes")
        manage(source, "run_processmanager", "late_fees", "--once")
        manage(source, "run_projector", "--once")
        sample = prepared(cluster, source, SAMPLE)
        manage(sample, "verify_eventstore")
        manage(sample, "verify_ledger")
        report(measure(prepared(cluster, source, arguments.copies)))


def file_of(given: Path | None, ledger: str) -> Path:
    """Return the given file, or one of made-up invoices; the code that makes them up needs some ledger."""
    if given is not None:
        return given
    os.environ.update(environment_of(ledger))
    django.setup()
    from tests.support.ledger.invoices import content, made_up

    file = Path(tempfile.mkdtemp()) / "invoices.csv"
    file.write_text(content(made_up(2_500)))
    return file


if __name__ == "__main__":
    main()
