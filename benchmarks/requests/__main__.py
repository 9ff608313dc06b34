"""What a request costs in the process that answers it: processor time and statements, without gunicorn and network.

`python -m benchmarks.requests [--rounds N] [--requests N] [--profile]`
"""

import argparse
import cProfile
import logging
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.page.figures import record
from benchmarks.report import say
from benchmarks.requests.caller import Caller
from benchmarks.server import environment_of, server


def milliseconds(act: Callable[[], None], requests: int) -> float:
    """Return the processor time of one request in this process."""
    began = time.process_time()
    for _ in range(requests):
        act()
    return (time.process_time() - began) / requests * 1000


def statements(act: Callable[[], None]) -> int:
    """Return how many statements one request sends to PostgreSQL, as libpq's own trace shows them."""
    from django.db import connection
    from psycopg.pq import Trace

    with tempfile.TemporaryFile() as trace:
        connection.ensure_connection()
        connection.connection.pgconn.trace(trace.fileno())
        connection.connection.pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        act()
        connection.connection.pgconn.untrace()
        trace.seek(0)
        return sum(line.split(b"\t")[2:3] in ([b"Execute"], [b"Query"]) for line in trace)


def measure(token: str, rounds: int, requests: int, *, profile: bool) -> None:
    """Measure in turn, in this process."""
    from settings.wsgi import application

    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(Path(os.devnull).open("w"))  # noqa: SIM115 - open as long as the process
    caller = Caller(application, token)
    acts: dict[str, Callable[[], None]] = {"GET company": caller.get, "grant": caller.grant, "/healthz": caller.health}
    for act in acts.values():
        milliseconds(act, requests)
    figures: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(rounds):
        for name, act in acts.items():
            figures[name].append(milliseconds(act, requests))
    record("http-get-processor", "ms", figures["GET company"])
    record("http-grant-processor", "ms", figures["grant"])
    for name, found in figures.items():
        spread = f"{statistics.median(found):.2f} ({min(found):.2f}–{max(found):.2f})"
        sent = f", {statements(acts[name])} statements" if name != "/healthz" else ""
        say(f"{name}: {spread} ms of processor time{sent}")
        if profile:
            profiled = cProfile.Profile(time.thread_time)
            profiled.runcall(milliseconds, acts[name], requests)
            pstats.Stats(profiled).sort_stats("tottime").print_stats(45)
            pstats.Stats(profiled).sort_stats("cumtime").print_stats(90)


def main() -> None:
    """Make a ledger and a client, and measure in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    parser.add_argument("--token", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.token:
        measure(arguments.token, arguments.rounds, arguments.requests, profile=arguments.profile)
        return
    with server() as url:
        environment = environment_of(url, {"PYTHONPATH": str(Path.cwd())})
        command = [sys.executable, "manage.py", "create_api_client", "benchmark", "--all-commands", "--token"]
        made = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
        command = [sys.executable, "-m", "benchmarks.requests", *sys.argv[1:], "--token", made.stdout.strip()]
        subprocess.run(command, check=True, env=environment)


if __name__ == "__main__":
    main()
