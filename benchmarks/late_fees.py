"""How fast late_fees assesses a cycle with many overdue products, and how long other writers wait during it.

`python -m benchmarks.late_fees [--products N] [--writers N] [--rounds N]`; it compares the rate with a COPY of the same
rows, a thousand in a transaction, into a table with the same columns and indexes. It also prints the memory of the
process, and what is done again after a kill with SIGKILL in the middle of a cycle.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

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
RECORDED = (
    "SELECT count(DISTINCT stream_id), coalesce(extract(epoch FROM statement_timestamp() - max(recorded_at)), 0)"
    " FROM eventstore_event WHERE type = 'LateFeeIncurred' AND causation ="
    " (SELECT max(position) FROM eventstore_event WHERE type = 'SystemCycled')"
)
PROGRESS = "SELECT coalesce((progress ->> 'incurred')::integer, 0) FROM eventstore_checkpoint WHERE name = 'late_fees'"
EVERY_S = 0.1
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


def assess(url: str, products: int, memory: list[float] | None = None) -> float:
    """Assess the waiting cycle and return fees a second; add the MiB that the process has now and then to `memory`."""
    process = start(url, "assess")
    while process.poll() is None:
        if memory is not None:
            memory.append(resident_mib(process.pid))
        time.sleep(EVERY_S)
    seconds = float(finish(process))
    with psycopg.connect(url) as connection:
        assessed = connection.execute(ASSESSED).fetchone()
    if assessed != (str(products),):
        message = f"{assessed} fees were assessed, not {products}"
        raise RuntimeError(message)
    return products / seconds


def resident_mib(pid: int) -> float:
    """Return the memory that a process has; 0 if it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 2**20


def killed(url: str, products: int) -> tuple[int, float]:
    """Kill the process when half of the fees are recorded, and assess the rest.

    Returns how many were recorded at the kill, and how many seconds before it the last of them: what was lost.
    """
    process = start(url, "assess")
    with psycopg.connect(url, autocommit=True) as connection:
        while process.poll() is None and recorded_so_far(connection) < products / 2:
            time.sleep(EVERY_S)
        process.kill()
        process.wait()
        recorded, seconds = fees_of_cycle(connection)
    assess(url, products)
    with psycopg.connect(url) as connection:
        after = fees_of_cycle(connection)
    if after[0] != products:
        message = f"{after[0]} fees are recorded after a kill, not {products}"
        raise RuntimeError(message)
    return recorded, seconds


def recorded_so_far(connection: psycopg.Connection) -> int:
    """Return how many fees the checkpoint row knows of the cycle that is being assessed."""
    row = connection.execute(PROGRESS).fetchone()
    return row[0] if row else 0


def fees_of_cycle(connection: psycopg.Connection) -> tuple[int, float]:
    """Return how many products have a fee of the last cycle, and how many seconds ago the last fee was recorded."""
    row = connection.execute(RECORDED).fetchone()
    assert row is not None
    return int(row[0]), float(row[1])


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
    alone, raw, beside, waits, memory = [], [], [], [], list[float]()
    with server() as url:
        finish(start(url, "fill", str(products)))
        execute(url, "CREATE TABLE raw_event (LIKE eventstore_event INCLUDING ALL)", "VACUUM ANALYZE")
        for number in range(arguments.rounds):
            day = date(2024, 3, 2) + timedelta(days=2 * number)
            finish(start(url, "cycle", day.isoformat()))
            alone.append(assess(url, products, memory if number == arguments.rounds - 1 else None))
            raw.append(copy(url))
            finish(start(url, "cycle", (day + timedelta(days=1)).isoformat()))
            rate, waited = beside_writers(url, products, arguments.writers)
            beside.append(rate)
            waits.extend(waited)
        finish(start(url, "cycle", date(2025, 3, 2).isoformat()))
        recorded, lost = killed(url, products)
    working = memory[len(memory) // 10 :] or [0.0]
    say(f"{products:,} overdue products in one cycle: {spread(alone)} fees/s")
    say(f"  COPY of the same rows, {CHUNK:,} to a transaction: {spread(raw)} rows/s; ratio {Ratio.of(alone, raw)}")
    say(f"  beside {arguments.writers} other writers: {spread(beside)} fees/s")
    half = max(working[: len(working) // 2 + 1])
    say(f"  memory: {half:.0f} MiB at most until half of them are assessed, {max(working):.0f} MiB until all are")
    say(f"  killed after {recorded:,} fees: work of {lost * 1000:.0f} ms was done again, and each fee is recorded once")
    centiles = statistics.quantiles(waits, n=100)
    record("late-fees", "/s", alone, {"raw": raw})
    record("late-fees-appends-p99", "ms", [centiles[98]])
    say(
        f"  their {len(waits):,} appends took {centiles[49]:.1f} ms at the median, {centiles[94]:.1f} ms at p95,"
        f" {centiles[98]:.1f} ms at p99, {max(waits):.1f} ms at most"
    )


if __name__ == "__main__":
    main()
