"""How long after an append a projector has handled it: when it is idle, and under a given number of appends a second.

`python -m benchmarks.latency [--rates N ...] [--seconds N]`

PostgreSQL's own commit timestamps of the event's row and of the read model's row are compared, so measuring takes no
time from what is measured. Each append registers a company, which makes one row of `balances`.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from uuid import uuid4

import psycopg

from benchmarks.page.figures import record
from benchmarks.report import say
from benchmarks.server import environment_of, server
from tests.support.postgres.roles import OWNER, as_role

LATENCIES = """
SELECT extract(epoch FROM pg_xact_commit_timestamp(b.xmin) - pg_xact_commit_timestamp(e.xmin))::float * 1000
FROM projectors_balance AS b JOIN eventstore_event AS e USING (position) WHERE e.position > %s ORDER BY 1
"""
HEADS = (
    "SELECT coalesce((SELECT max(position) FROM eventstore_event), 0),"
    " coalesce((SELECT position FROM eventstore_checkpoint WHERE name = 'balances'), -1)"
)

BUSY = 500
"""From so many appends a second on, the figures are those of a busy log."""


def append_at(rate: float, seconds: float) -> int:
    """Append single events at a rate, as evenly as the machine allows; return how many."""
    from eventstore import store
    from eventstore.records import NO_STREAM, Context, NewEvent
    from ledger.rules.events import CompanyRegistered

    began, done = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < seconds:
        if now < done / rate:
            time.sleep(done / rate - now)
        stream = f"company-{uuid4()}"
        event = NewEvent(stream, CompanyRegistered("Acme"))
        store.append([event], Context("benchmark", stream), expected={stream: NO_STREAM})
        done += 1
    return done


def wait_until_handled(connection: psycopg.Connection) -> int:
    """Wait until the projector is at the head, and return the head."""
    while True:
        head, handled = connection.execute(HEADS).fetchone() or (0, 0)
        if handled == head:
            return int(head)
        time.sleep(0.2)


def measure(url: str, rate: float, seconds: float) -> None:
    """Append at a rate beside a running projector, and report the percentiles of the latencies."""
    with psycopg.connect(as_role(url, OWNER), autocommit=True) as connection:
        before = wait_until_handled(connection)
        done = append_at(rate, seconds)
        wait_until_handled(connection)
        found = [row[0] for row in connection.execute(LATENCIES, [before]).fetchall()]
    cuts = statistics.quantiles(found, n=100)
    when = "idle" if rate < BUSY else "busy"
    record(f"handled-{when}-p50", "ms", [cuts[49]])
    record(f"handled-{when}-p99", "ms", [cuts[98]])
    say(
        f"{done / seconds:,.0f} appends/s: handled after {cuts[49]:.1f} ms at p50, {cuts[94]:.1f} ms at p95,"
        f" {cuts[98]:.1f} ms at p99, {found[-1]:.1f} ms at most"
    )


def main() -> None:
    """Run a projector, and append at each rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", type=float, nargs="*", default=[20, 1000])
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    with server(settings={"track_commit_timestamp": "on"}) as url:
        environment = environment_of(url)
        os.environ.update(environment)
        import django

        django.setup()
        command = [sys.executable, "manage.py", "run_projector", "balances"]
        projector = subprocess.Popen(command, env=environment)
        try:
            for rate in arguments.rates:
                measure(url, rate, arguments.seconds)
        finally:
            projector.send_signal(signal.SIGTERM)
            projector.wait()


if __name__ == "__main__":
    main()
