"""Measures what grows with the log: the same work on ledgers of one server whose logs have different lengths.

`python -m benchmarks.growth [FILE] [--copies N ...] [--rounds N] [--on DATABASE_URL ...]`: FILE holds invoices; the log
of the file is copied by SQL. With `--on`, ledgers that exist are measured: some events are appended to each. All are
measured in turn, and each ratio is to the first.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.books.__main__ import file_of, prepared
from benchmarks.growth.sizes import Sizes, sizes_of
from benchmarks.report import Ratio, say
from benchmarks.server import SETTINGS, environment_of, manage
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.roles import OWNER, as_role

COPIES: Final = (1, 53, 530)
"""Twenty thousand, a million and ten million events of the two years of invoices that the tests import."""
MOST: Final = 1.2
"""How many times as long the same work may take on the longest log."""


class Side:
    """A ledger that is measured, by a process that stays."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.growth.side"],
            env=environment_of(url, {"LOG_LEVEL": "error"}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.names: list[str] = json.loads(self._line())

    def measure(self, figure: str) -> tuple[float, float]:
        """Return the microseconds that a figure takes, and those that it computes."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{figure}\n")
        self._process.stdin.flush()
        taken, computed = json.loads(self._line())
        return taken, computed

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def _line(self) -> str:
        assert self._process.stdout is not None
        found = self._process.stdout.readline()
        if not found:
            raise SystemExit("a ledger is not measured: run `python -m benchmarks.growth.side` on it to see why")
        return found


def main() -> None:
    """Measure in turn, and print the tables that docs/performance.md quotes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--copies", type=int, nargs="+", default=list(COPIES))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--on", metavar="DATABASE_URL", nargs="+", help="measure these ledgers, and prepare none")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        urls = arguments.on or stack.enter_context(_made(arguments.file, arguments.copies))
        sizes = [sizes_of(as_role(url, OWNER)) for url in urls]
        sides = [Side(url) for url in urls]
        for side in sides:
            stack.callback(side.end)
        found: dict[str, list[list[tuple[float, float]]]] = {name: [[] for _ in sides] for name in sides[0].names}
        for _ in range(arguments.rounds):
            for name, rounds in found.items():
                for side, of_side in zip(sides, rounds, strict=True):
                    of_side.append(side.measure(name))
    report(found, sizes)
    report_sizes(sizes)


@contextmanager
def _made(file: Path | None, copies: Sequence[int]) -> Iterator[list[str]]:
    """Yield the URLs of ledgers with so many copies of the log of a file."""
    with Cluster(durable=True, settings={**SETTINGS, "autovacuum": "off"}) as cluster:
        cluster.create_database("short")
        source = cluster.url("short")
        manage(as_role(source, OWNER), "migrate", "--verbosity", "0")
        manage(source, "import_receivables", str(file_of(file, source)), "--yes")
        manage(source, "run_processmanager", "late_fees", "--once")
        manage(source, "run_projector", "--once")
        yield [prepared(cluster, source, each) for each in copies]


def report(found: dict[str, list[list[tuple[float, float]]]], sizes: Sequence[Sizes]) -> None:
    """Print each figure at each length, and how many times the shortest log's it is."""
    lengths = [f"{each.events:,} events" for each in sizes]
    say(f"load {os.getloadavg()[0]:.1f}")
    say(f"| | {' | '.join(lengths)} | time, longest to shortest | processor time | within {MOST - 1:.0%} |")
    say(f"|---|{'---:|' * len(sizes)}---|---|---|")
    for name, rounds in found.items():
        times = [f"{statistics.median(taken for taken, _ in of_side) / 1000:.2f} ms" for of_side in rounds]
        first, last = rounds[0], rounds[-1]
        taken, computed = (Ratio.of([r[kind] for r in last], [r[kind] for r in first]) for kind in (0, 1))
        verdict = "yes" if computed.median <= MOST else "no"
        say(f"| {name} | {' | '.join(times)} | {taken} | {computed} | {verdict} |")


def report_sizes(sizes: Sequence[Sizes]) -> None:
    """Print what a ledger takes on disk for each event."""
    say(f"| bytes for each event | {' | '.join(f'{each.events:,} events' for each in sizes)} |")
    say(f"|---|{'---:|' * len(sizes)}")
    rows = {
        "the log": [each.log for each in sizes],
        **{f"its index {name}": [each.indexes[name] for each in sizes] for name in sizes[-1].indexes},
        "all read models": [each.read_models for each in sizes],
    }
    for name, values in rows.items():
        say(f"| {name} | {' | '.join(f'{v / s.events:,.0f}' for v, s in zip(values, sizes, strict=True))} |")
    say(f"| pages of the log that are all visible | {' | '.join(f'{each.visible:.1%}' for each in sizes)} |")
    say(f"| age of the log in transactions | {' | '.join(f'{each.age:,}' for each in sizes)} |")
    say(f"| a vacuum of the log, when nothing has changed | {' | '.join(f'{each.vacuum_s:.2f} s' for each in sizes)} |")


if __name__ == "__main__":
    main()
