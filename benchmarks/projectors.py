"""Measures how fast a projector catches up over a million events, and in how much memory.

`python -m benchmarks.projectors [--events N] [--projectors NAME ...] [--rounds N]`
"""

import argparse
import subprocess
import sys
import time

import psycopg

from benchmarks.page.figures import record
from benchmarks.report import Ratio, say, spread
from benchmarks.server import environment_of, execute, server

# A tenth each of companies, assets and accounts being made, the rest money that moves on 30,000 of them at random.
UNCHECKED = "SET eventstore.appending = 'on'"
FILL = """
INSERT INTO eventstore_event (position, stream_id, version, type, schema_version, payload, actor, correlation_id,
                              metadata, recorded_at)
SELECT i, category || '-' || md5(category || entity)::uuid, (i - 1) / 30000 + 1, type, 1, payload, 'benchmark',
       'correlation ' || i, '{{"append_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}}',
       '2026-01-01'::timestamptz + i * interval '1 second'
FROM (
    SELECT i, i % 10000 AS entity, category,
           CASE WHEN i <= 30000 THEN CASE category WHEN 'company' THEN 'CompanyRegistered'
                                     WHEN 'asset' THEN 'AssetRegistered' ELSE 'FundingAccountOpened' END
                ELSE CASE category WHEN 'company' THEN 'CompanyFunded' WHEN 'asset' THEN 'AssetFunded'
                     ELSE 'FundsCredited' END END AS type,
           CASE WHEN i <= 30000 THEN CASE category WHEN 'company' THEN '{{"name": "Acme"}}'
                WHEN 'asset' THEN '{{"value": "1250.00", "currency": "USD", "reference": "invoice",
                    "sender_company_uuid": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
                    "receiver_company_uuid": "0b9f1f3c-58cc-4372-a567-0e02b2c3d479"}}'
                ELSE '{{"company_uuid": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "label": "operating"}}' END
                ELSE CASE category WHEN 'account'
                     THEN '{{"amount": "12.50", "currency": "USD",
                             "grant_uuid": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}}'
                     ELSE '{{"amount": "12.50", "currency": "USD", "reference": "receipt ' || i || '"}}' END
                END::jsonb AS payload
    FROM (SELECT i, (ARRAY['company', 'asset', 'account'])[i % 3 + 1] AS category
          FROM generate_series(1, {number}) AS i) AS numbered
) AS events
"""
# Removes what projectors wrote, so that they start again at position 1.
FORGET = """
DO $$
BEGIN
    EXECUTE (SELECT 'TRUNCATE eventstore_checkpoint, ' || string_agg(quote_ident(tablename), ', ') FROM pg_tables
             WHERE tablename LIKE 'projectors\\_%');
END
$$
"""
READ = (
    "SELECT position, stream_id, type, payload::text FROM eventstore_event"
    " WHERE position > %s ORDER BY position LIMIT 1000"
)


def read_alone(url: str) -> float:
    """Read every row in the same batches, decoding nothing; return the seconds."""
    began, last = time.perf_counter(), 0
    with psycopg.connect(url, autocommit=True) as connection:
        while rows := connection.execute(READ, [last]).fetchall():
            last = rows[-1][0]
    return time.perf_counter() - began


def catch_up(url: str, name: str) -> tuple[float, int]:
    """Run a projector, or all, to the head; return the seconds, its start included, and its peak memory in MiB."""
    names = f"'{name}', " if name else ""
    code = (
        "import resource, sys, django; django.setup(); from django.core.management import call_command;"
        f"call_command('run_projector', {names}'--once');"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], env=environment_of(url), check=True, stdout=subprocess.PIPE)
    return time.perf_counter() - began, int(done.stdout.split()[-1])


def main() -> None:
    """Fill a log, and let projectors catch up over it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--projectors", nargs="*", default=["balances", "directory", "journal", "daily_activity"])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with server() as url:
        tenth = arguments.events // 10
        execute(url, UNCHECKED, FILL.format(number=tenth), "VACUUM ANALYZE eventstore_event")
        _, memory = catch_up(url, "balances")
        say(f"balances over {tenth:,} events: {memory} MiB")
    with server() as url:
        execute(url, UNCHECKED, FILL.format(number=arguments.events), "VACUUM ANALYZE eventstore_event")
        for name in [*arguments.projectors, ""]:  # at last all in one process
            rates, alone, memories = [], [], []
            for _ in range(arguments.rounds):
                execute(url, FORGET)
                alone.append(arguments.events / read_alone(url))
                seconds, memory = catch_up(url, name)
                rates.append(arguments.events / seconds)
                memories.append(memory)
            record(f"catch-up-{name or 'all'}", "/s", rates)
            say(f"{name or 'all'} over {arguments.events:,} events: {spread(rates)} events/s, {max(memories)} MiB")
            say(f"  reading the rows alone: {spread(alone)} events/s; ratio {Ratio.of(rates, alone)}")


if __name__ == "__main__":
    main()
