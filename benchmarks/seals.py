"""What a seal costs: a day of a million events, sealed beside others that append, and verified.

`python -m benchmarks.seals [--events N]`
"""

import argparse
import statistics
import subprocess
import sys
import time

from benchmarks.late_fees import start
from benchmarks.memberships import FILL, UNCHECKED
from benchmarks.page.figures import record
from benchmarks.report import say
from benchmarks.server import environment_of, execute, server

SEAL_KEY = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"


def manage(url: str, *arguments: str) -> float:
    """Run a management command of an installation that seals and return its seconds."""
    began = time.perf_counter()
    environment = environment_of(url, {"SEAL_KEY": SEAL_KEY})
    subprocess.run([sys.executable, "manage.py", *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


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
        writer = start(url, "write")
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        seconds = manage(url, "run_processmanager", "seals", "--once")
        writer.terminate()
        waits = [float(line) for line in writer.communicate()[0].split("\n")[:-1]]
        say(f"{events:,} events sealed in {seconds:.0f} s beside a writer: {events / seconds:,.0f} events/s")
        record("seal", "/s", [events / seconds])
        centiles = statistics.quantiles(waits, n=100)
        say(f"  its {len(waits):,} appends took {centiles[49]:.1f} ms at the median, {centiles[98]:.1f} ms at p99")
        seconds = manage(url, "verify_eventstore")
        say(f"verified with its seal in {seconds:.0f} s")


if __name__ == "__main__":
    main()
