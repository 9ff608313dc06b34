"""Runs every benchmark in turn, records the figures in docs/performance.json, and writes the page that shows them.

`python -m benchmarks [--short] [--only NAME ...]`. The short form takes at most 20 minutes. Each benchmark
can be run alone, with options, as `python -m benchmarks.<name>`; then it records nothing.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psutil

from benchmarks.page import figures
from benchmarks.report import say

SHORT_MINUTES: Final = 20
_TO_CLEAN_UP_S: Final = 20


@dataclass(frozen=True, slots=True)
class Run:
    """One benchmark: its module, the options of the short form, and the longest time of that form in seconds."""

    name: str
    short: str = ""
    most_s: int = 60


RUNS: Final = (
    Run("latency", "--seconds 8", 60),
    Run("requests", "--rounds 5 --requests 200", 60),
    Run("http", "--rounds 3 --requests 60 --clients 8", 90),
    Run("aggregates", "--rounds 5", 60),
    Run("append", "--rounds 3 --seconds 1", 360),
    Run("catching_up", "--events 1000000 --peer-events 5000 --rounds 1", 120),
    Run("projectors", "--events 500000 --rounds 1 --projectors journal", 120),
    Run("late_fees", "--products 100000 --rounds 1", 150),
    Run("memberships", "--members 250000", 90),
    Run("batches.invoices", "", 60),
    Run("batches.receivables", "", 420),
    Run("seals", "--events 200000", 120),
)
"""What the figures of the page come from; the short form runs them in this order until its time is over."""
ONLY_LONG: Final = ("moving", "books")


def main() -> None:
    """Run them, whatever fails, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--minutes", type=float, default=SHORT_MINUTES, help="that the short form takes at most")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    arguments = parser.parse_args()
    runs = [*RUNS, *(() if arguments.short else (Run(name) for name in ONLY_LONG))]
    unknown = set(arguments.only) - {run.name for run in runs}
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(r.name for r in runs)}")
    until = time.monotonic() + arguments.minutes * 60 if arguments.short else None
    failed = [run.name for run in runs if run.name in (arguments.only or [run.name]) and not passes(run, until)]
    written = subprocess.run([sys.executable, "-m", "benchmarks.page"], check=False).returncode == 0
    if failed or not written:
        sys.exit(f"failed, too slow or left out: {', '.join([*failed, *([] if written else ['the page'])])}")


def passes(run: Run, until: float | None) -> bool:
    """Run a benchmark; with `until` in its short form, which is ended when its time or that of all is over."""
    say(f"\n== {run.name}")
    command, seconds = [sys.executable, "-m", f"benchmarks.{run.name}"], None
    if until is not None:
        command += run.short.split()
        seconds = min(run.most_s, until - time.monotonic())
        if seconds <= _TO_CLEAN_UP_S:
            say("left out: the time is over")
            return False
    busy = psutil.cpu_percent(interval=1)
    record = {figures.RECORD_IN: str(figures.FILE), figures.BUSY: f"{busy:.0f}"}
    return ends_well(command, record, seconds)


def ends_well(command: Sequence[str], environment: Mapping[str, str], seconds: float | None) -> bool:
    """Run a command in a session of its own; end all its processes if it takes longer than so many seconds."""
    process = subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True)
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        say(f"ended: it took longer than {seconds:.0f} s")
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)  # it stops the servers that it has started
            with suppress(subprocess.TimeoutExpired):
                process.wait(_TO_CLEAN_UP_S)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
