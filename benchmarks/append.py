"""How fast the append is: against plain psycopg INSERTs, pyeventsourcing, message-db and Emmett, in turn, in one run.

`python -m benchmarks.append [--seconds S] [--rounds N] [--clients N …] [--delays µs …] [--without-npm]`. A case takes
rounds × seconds × ways: with one case and three rounds of two seconds, a minute.
"""

import argparse
import statistics
import subprocess
import sys
from collections.abc import Sequence

from benchmarks import peers
from benchmarks.page.figures import OURS, record
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
    if way == "Emmett":
        command = ["node", str(peers.EMMETT), url, str(seconds), str(batch)]
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
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 8, 16], help="with one event per append")
    parser.add_argument("--delays", type=int, nargs="*", default=[0, 1000], help="µs added to each flush")
    parser.add_argument("--without-npm", action="store_true", help="leave out message-db and Emmett")
    arguments = parser.parse_args()
    ways = ["raw", "daybook", "pyeventsourcing"]
    if not arguments.without_npm:
        peers.install()
        ways += ["message-db", "Emmett"]
    for delay in arguments.delays:
        with server(flush_delay_us=delay) as url:
            execute(url, *TWIN)
            if not arguments.without_npm:
                peers.create_message_db(url)
                peers.create_emmett(url)
            cases = [(clients, 1) for clients in arguments.clients] + [(1, 100)] * (not delay)
            for clients, batch in cases:
                figures = compare(url, ways, clients, batch, arguments.rounds, arguments.seconds)
                say(f"{clients} client(s), {batch} event(s) per append, {delay} µs added to each flush")
                name = f"append-{batch}-events" if batch > 1 else f"append-{clients}{'-slow-disk' * bool(delay)}"
                record(name, "/s", figures[OURS], {way: figures[way] for way in ways if way != OURS})
                for way in ways:
                    say(f"  {way:16} {statistics.median(figures[way]):10,.0f} events/s")
                for way in ways:
                    if way != "daybook":
                        say(f"  daybook / {way:15} {Ratio.of(figures['daybook'], figures[way])}")


if __name__ == "__main__":
    main()
