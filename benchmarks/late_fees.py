"""How fast late_fees assesses a cycle with many overdue products, and how long other writers wait during it.

`python -m benchmarks.late_fees [--products N] [--writers N] [--rounds N]`; it compares the rate with a COPY of the same
rows, a thousand in a transaction, into a table with the same columns and indexes.
"""

import argparse
import statistics
import subprocess
import sys
import time
from datetime import date, timedelta

import psycopg

from benchmarks.page.figures import record
from benchmarks.report import Ratio, say, spread
from benchmarks.server import environment_of, execute, server

CHUNK = 1000
COLUMNS = (
    "position, stream_id, version, type, schema_version, payload, actor, correlation_id, causation, metadata,"
    " recorded_at"
)
FEES = (
    f"COPY (SELECT {COLUMNS} FROM eventstore_event WHERE type = 'LateFeeIncurred' AND causation ="
    " (SELECT max(position) FROM eventstore_event WHERE type = 'SystemCycled') ORDER BY position) TO STDOUT"
)
ASSESSED = (
    "SELECT payload ->> 'incurred' FROM eventstore_event WHERE type = 'LateFeesAssessed' ORDER BY position DESC LIMIT 1"
)
RUN = "import django; django.setup(); from benchmarks import late_fees_worker; late_fees_worker.main()"


def start(url: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a process of benchmarks/late_fees_worker.py."""
    command = [sys.executable, "-c", RUN, *arguments]
    return subprocess.Popen(command, env=environment_of(url), stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process, which must succeed, and return what it printed."""
    output = process.communicate()[0]
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return output


def assess(url: str, products: int) -> float:
    """Assess the waiting cycle and return fees a second."""
    seconds = float(finish(start(url, "assess")))
    with psycopg.connect(url) as connection:
        assessed = connection.execute(ASSESSED).fetchone()
    if assessed != (str(products),):
        message = f"{assessed} fees were assessed, not {products}"
        raise RuntimeError(message)
    return products / seconds


def copy(url: str) -> float:
    """Return the rows a second at which the last cycle's fees are copied, chunk by chunk, into the twin table."""
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        with cursor.copy(FEES) as reading:
            lines = b"".join(bytes(part) for part in reading).splitlines(keepends=True)
        started = time.monotonic()
        for first in range(0, len(lines), CHUNK):
            with cursor.copy(f"COPY raw_event ({COLUMNS}) FROM STDIN") as writing:
                writing.write(b"".join(lines[first : first + CHUNK]))
        return len(lines) / (time.monotonic() - started)


def beside_writers(url: str, products: int, writers: int) -> tuple[float, list[float]]:
    """Assess the waiting cycle while others append; return fees a second and how long their appends took, in ms."""
    others = [start(url, "write") for _ in range(writers)]
    for other in others:
        if other.stdout is None or other.stdout.readline() != "ready\n":
            message = "a writer did not start"
            raise RuntimeError(message)
    rate = assess(url, products)
    for other in others:
        other.terminate()
    return rate, [float(line) for other in others for line in other.communicate()[0].split("\n")[:-1]]


def main() -> None:
    """Create the products, assess cycles alone and beside other writers in turn, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    products: int = arguments.products
    alone, raw, beside, waits = [], [], [], []
    with server() as url:
        finish(start(url, "fill", str(products)))
        execute(url, "CREATE TABLE raw_event (LIKE eventstore_event INCLUDING ALL)", "VACUUM ANALYZE")
        for number in range(arguments.rounds):
            day = date(2024, 3, 2) + timedelta(days=2 * number)
            finish(start(url, "cycle", day.isoformat()))
            alone.append(assess(url, products))
            raw.append(copy(url))
            finish(start(url, "cycle", (day + timedelta(days=1)).isoformat()))
            rate, waited = beside_writers(url, products, arguments.writers)
            beside.append(rate)
            waits.extend(waited)
    say(f"{products:,} overdue products in one cycle: {spread(alone)} fees/s")
    say(f"  COPY of the same rows, {CHUNK:,} to a transaction: {spread(raw)} rows/s; ratio {Ratio.of(alone, raw)}")
    say(f"  beside {arguments.writers} other writers: {spread(beside)} fees/s")
    centiles = statistics.quantiles(waits, n=100)
    record("late-fees", "/s", alone, {"raw": raw})
    record("late-fees-appends-p99", "ms", [centiles[98]])
    say(
        f"  their {len(waits):,} appends took {centiles[49]:.1f} ms at the median, {centiles[94]:.1f} ms at p95,"
        f" {centiles[98]:.1f} ms at p99, {max(waits):.1f} ms at most"
    )


if __name__ == "__main__":
    main()
