"""What a seal costs: a day of a million events, sealed beside others that append, and verified.

`python -m benchmarks.seals [--events N]`
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final, TypeVar

from benchmarks.late_fees import start
from benchmarks.memberships import FILL, UNCHECKED
from benchmarks.page.figures import record
from benchmarks.report import say
from benchmarks.server import environment_of, execute, server

T = TypeVar("T")
UNDISTURBED_S: Final = 15
SEAL_KEY = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"


def manage(url: str, *arguments: str) -> tuple[float, float]:
    """Run a management command of an installation that seals; return its seconds, and those of its processor time."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = environment_of(url, {"SEAL_KEY": SEAL_KEY})
    subprocess.run([sys.executable, "manage.py", *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, processor


def beside_writer(url: str, what: str, work: Callable[[], T]) -> T:
    """Do some work while a process appends, and print how long its appends took."""
    writer = start(url, "write")
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    done = work()
    writer.terminate()
    waits = [float(line) for line in writer.communicate()[0].split("\n")[:-1]]
    centiles = statistics.quantiles(waits, n=100)
    say(f"{len(waits):,} appends {what} took {centiles[49]:.1f} ms at the median, {centiles[98]:.1f} ms at p99")
    return done


def main() -> None:
    """Fill a log, end its one date, and seal it while another process appends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    events: int = parser.parse_args().events
    with server() as url:
        manage(url, "run_processmanager", "seals", "--once")
        execute(url, UNCHECKED + ";" + FILL.format(number=events), "VACUUM ANALYZE eventstore_event")
        manage(url, "run_projector", "journal", "--once")
        manage(url, "daily_cycle", "--today", "2024-03-01", "--catch-up")
        manage(url, "run_processmanager", "seals", "--once")
        manage(url, "daily_cycle", "--today", "2024-03-02", "--catch-up")
        beside_writer(url, "while nothing is sealed", lambda: time.sleep(UNDISTURBED_S))
        seconds, processor = beside_writer(
            url, "while a day is sealed", lambda: manage(url, "run_processmanager", "seals", "--once")
        )
        say(f"{events:,} events sealed in {seconds:.0f} s beside a writer: {events / seconds:,.0f} events/s")
        record("seal", "/s", [events / seconds])
        say(f"  {processor:.0f} s of processor time in Daybook's process: {1e6 * processor / events:.0f} µs an event")
        seconds, processor = manage(url, "verify_eventstore")
        say(f"verified with its seal in {seconds:.0f} s, {processor:.0f} s of processor time")


if __name__ == "__main__":
    main()
