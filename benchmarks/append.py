"""How fast the append is: against plain psycopg INSERTs and pyeventsourcing's recorder, in turn, in one run.

`python -m benchmarks.append [--seconds S] [--rounds N]`
"""

import argparse
import statistics
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.report import Ratio, say
from benchmarks.server import environment_of, execute, server

# The same columns and the same indexes, with a sequence instead of an order.
TWIN = (
    "CREATE TABLE raw_event (LIKE eventstore_event INCLUDING ALL)",
    "CREATE SEQUENCE raw_event_position",
    "ALTER TABLE raw_event ALTER COLUMN position DROP IDENTITY IF EXISTS",
    "ALTER TABLE raw_event ALTER COLUMN position SET DEFAULT nextval('raw_event_position')",
)


def throughput(way: str, url: str, clients: int, batch: int, seconds: float) -> float:
    """Return events a second of so many processes that append at once."""
    environment = environment_of(url)
    command = [sys.executable, "-m", "benchmarks.append_worker", way, str(seconds), str(batch)]
    workers = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(clients)
    ]
    for worker in workers:
        assert worker.stdout is not None
        if worker.stdout.readline().strip() != "ready":
            message = f"a client of {way} did not start"
            raise RuntimeError(message)
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    return sum(float(worker.communicate()[0].split()[-1]) for worker in workers)


def compare(
    url: str, ways: Sequence[str], clients: int, batch: int, rounds: int, seconds: float
) -> dict[str, list[float]]:
    """Measure the ways in turn, so that a drift of the machine meets them all."""
    figures: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            figures[way].append(throughput(way, url, clients, batch, seconds))
    return figures


def main() -> None:
    """Run every comparison and print each as a row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    for delay in (0, 1000):
        with server(flush_delay_us=delay) as url:
            execute(url, *TWIN)
            cases = [(1, 1), (8, 1), (1, 100)] if not delay else [(1, 1), (8, 1)]
            for clients, batch in cases:
                ways = ["raw", "daybook", "pyeventsourcing"]
                figures = compare(url, ways, clients, batch, arguments.rounds, arguments.seconds)
                title = f"{clients} client(s), {batch} event(s) per append, {delay} µs added to each flush"
                say(title)
                for way in ways:
                    say(f"  {way:16} {statistics.median(figures[way]):10,.0f} events/s")
                say(f"  daybook / raw             {Ratio.of(figures['daybook'], figures['raw'])}")
                say(f"  daybook / pyeventsourcing {Ratio.of(figures['daybook'], figures['pyeventsourcing'])}")


if __name__ == "__main__":
    main()
