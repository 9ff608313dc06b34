"""What a Membership lookup costs with 100,000 members: one indexed look, and what our own code adds to it.

`python -m benchmarks.memberships [--members N]`
"""

import argparse
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from uuid import UUID

from benchmarks.page.figures import record
from benchmarks.report import Ratio, say
from benchmarks.server import environment_of, execute, server

UNCHECKED = "SET eventstore.appending = 'on'"
FILL = """
INSERT INTO eventstore_event (position, stream_id, version, type, schema_version, payload, actor, correlation_id,
                              metadata, recorded_at)
SELECT i, 'deal-' || md5('deal' || (i + 1) / 2)::uuid, 2 - i % 2,
       CASE i % 2 WHEN 1 THEN 'DealCreated' ELSE 'DealActivated' END, 1,
       CASE i % 2 WHEN 1 THEN jsonb_build_object('product_line_id', 4, 'rating_tier', 'gold', 'companies',
           jsonb_build_array(jsonb_build_object('company_uuid', md5('company' || (i + 1) / 2)::uuid, 'role', 'member')))
       ELSE '{{}}' END,
       'benchmark', 'correlation', '{{}}', '2026-01-01'::timestamptz + i * interval '1 second'
FROM generate_series(1, {number}) AS i
"""
LOOK = (
    "SELECT position, recorded_at FROM eventstore_event WHERE category = 'deal' AND position >= %s"
    " ORDER BY position LIMIT 1000"
)
LOOKUPS = 500
ROUNDS = 20


def measure(members: int) -> None:
    """Hydrate, look up, and print what it cost; runs in a process whose database is filled."""
    import django

    django.setup()
    from django.db import connection

    from ledger import memberships

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    memberships.hydrate()
    hydrated = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    say(f"hydrating {2 * members:,} deal events: {2 * members / hydrated:,.0f} events/s, {grown:,.0f} MiB at most")
    with connection.cursor() as cursor:
        cursor.execute("SELECT md5('company' || i)::uuid FROM generate_series(1, %s) AS i", [LOOKUPS])
        companies: list[UUID] = [row[0] for row in cursor.fetchall()]
    assert memberships.lookup(companies[0]).activated
    while_hydrating(companies)

    def look(_company: UUID) -> None:
        with connection.cursor() as cursor:
            cursor.execute(LOOK, [2 * members])
            cursor.fetchall()

    looks, lookups = [], []
    for _ in range(ROUNDS):
        looks.append(microseconds(look, companies))
        lookups.append(microseconds(memberships.lookup, companies))
    record("membership-lookup", "µs", lookups, {"raw": looks})
    record("membership-hydration", "/s", [2 * members / hydrated])
    say(f"one look by Django's cursor alone: {statistics.median(looks):.0f} µs")
    say(f"a lookup: {statistics.median(lookups):.0f} µs")
    say(f"lookup / look alone: {Ratio.of(lookups, looks)}")


def while_hydrating(companies: list[UUID]) -> None:
    """Look companies up while a thread hydrates, which an index answers."""
    from ledger import memberships

    memberships.reset()
    began, took = time.perf_counter(), list[float]()
    for company in cycle(companies):
        before = time.perf_counter()
        assert memberships.lookup(company).activated
        took.append(time.perf_counter() - before)
        if not any(thread.name == "memberships" for thread in threading.enumerate()):
            break
    seconds = time.perf_counter() - began
    record("membership-hydrating", "ms", [statistics.median(took) * 1000])
    say(
        f"a lookup while they hydrate, {len(took):,} in {seconds:.1f} s: {statistics.median(took) * 1000:.2f} ms at the"
    )
    say(f"median, {statistics.quantiles(took, n=100)[98] * 1000:.1f} ms at p99; the first took {took[0] * 1000:.1f} ms")


def microseconds(act: Callable[[UUID], object], companies: list[UUID]) -> float:
    """Return the microseconds of one act."""
    began = time.perf_counter()
    for company in companies:
        act(company)
    return (time.perf_counter() - began) / len(companies) * 1e6


def main() -> None:
    """Fill a log with members, and measure in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.within:
        measure(arguments.members)
        return
    with server() as url:
        execute(url, UNCHECKED, FILL.format(number=2 * arguments.members), "VACUUM ANALYZE eventstore_event")
        command = [sys.executable, "-m", "benchmarks.memberships", "--within", "--members", str(arguments.members)]
        subprocess.run(command, check=True, env=environment_of(url, {"PYTHONPATH": str(Path.cwd())}))


if __name__ == "__main__":
    main()
