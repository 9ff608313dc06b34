"""What a request costs in the process that answers it: processor time and statements, without gunicorn and network.

`python -m benchmarks.request_cost [--rounds N] [--requests N] [--profile]`
"""

import argparse
import cProfile
import io
import json
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
from typing import Any
from uuid import uuid4

from benchmarks.report import say
from benchmarks.server import environment_of, server

Answer = Callable[..., Any]


class Caller:
    """Calls the WSGI application as gunicorn does, with a token."""

    def __init__(self, application: Answer, token: str) -> None:
        self._application, self._token = application, token
        self._company, self._account = str(uuid4()), str(uuid4())
        self._post("register-company", {"company_uuid": self._company, "name": "Source"})
        money = {"company_uuid": self._company, "amount": "100000000.00", "currency": "USD", "reference": "wire"}
        self._post("fund-company", money)
        account = {"account_uuid": self._account, "company_uuid": self._company, "label": "operating"}
        self._post("open-funding-account", account)
        self._post("activate-funding-account", {"account_uuid": self._account})

    def get(self) -> None:
        """Look at the company."""
        self._ask("GET", f"/api/companies/{self._company}")

    def grant(self) -> None:
        """Grant from the company to its account, under a new key."""
        to = {"to_company_uuid": self._company, "to_company_account_uuid": self._account, "amount": "1.00"}
        sources = [{"from_type": "company", "from_uuid": self._company}]
        self._post("grant-balances", {"reference": "benchmark", "sources": sources, "destinations": [to]})

    def health(self) -> None:
        """Ask what does nothing."""
        self._ask("GET", "/healthz")

    def _post(self, name: str, body: dict[str, Any]) -> None:
        self._ask("POST", f"/api/commands/{name}", json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes = b"") -> None:
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1:8000",
            "HTTP_AUTHORIZATION": f"Bearer {self._token}",
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.version": (1, 0),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        if body:
            environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
            environ["HTTP_IDEMPOTENCY_KEY"] = str(uuid4())
        statuses: list[str] = []
        answer = self._application(environ, lambda status, _headers: statuses.append(status))
        content = b"".join(answer)
        answer.close()
        if statuses[0][:3] not in {"200", "201"}:
            raise RuntimeError(f"{path}: {statuses[0]} {content!r}")


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
        command = [sys.executable, "-m", "benchmarks.request_cost", *sys.argv[1:], "--token", made.stdout.strip()]
        subprocess.run(command, check=True, env=environment)


if __name__ == "__main__":
    main()
