"""What a grant and a look at a company cost over HTTP, beside bare views and the same grant as rows of the ORM.

`python -m benchmarks.http [--rounds N] [--requests N] [--clients N]`
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.page.figures import record
from benchmarks.report import Ratio, say
from benchmarks.server import environment_of, execute, server
from tests.support.postgres.roles import OWNER, as_role

ROWS = (
    "INSERT INTO bare_holder (uuid, balance, currency) VALUES ('{company}', 100000000, 'USD')",
    "INSERT INTO bare_fundingaccount (uuid, company_id, is_active, balance) VALUES ('{account}', '{company}', true, 0)",
)
"""The company and the account of a client as rows."""
MANY = 8
Act = Callable[[], None]


class Client:
    """One client on one connection, with companies, accounts and rows of its own."""

    def __init__(self, port: int, token: str, url: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._token = token
        self._company, self._account, self._row = str(uuid4()), str(uuid4()), str(uuid4())
        self._command("register-company", {"company_uuid": self._company, "name": "Source"})
        self._command(
            "fund-company",
            {"company_uuid": self._company, "amount": "100000000.00", "currency": "USD", "reference": "wire"},
        )
        account = {"account_uuid": self._account, "company_uuid": self._company, "label": "operating"}
        self._command("open-funding-account", account)
        self._command("activate-funding-account", {"account_uuid": self._account})
        self._ask("POST", "/bare/rows", self._row_body(self._row))
        execute(url, *(row.format(company=self._company, account=self._account) for row in ROWS))

    def grant(self) -> None:
        """Grant from one company to one account."""
        self._command("grant-balances", self._grant_body())

    def plain_grant(self) -> None:
        """Grant the same as rows of Django's ORM."""
        self._ask("POST", "/bare/grants", self._grant_body())

    def _grant_body(self) -> dict[str, Any]:
        to = {"to_company_uuid": self._company, "to_company_account_uuid": self._account, "amount": "1.00"}
        sources = [{"from_type": "company", "from_uuid": self._company}]
        return {"reference": "benchmark", "sources": sources, "destinations": [to]}

    def insert(self) -> None:
        """Insert a row by the bare view."""
        self._ask("POST", "/bare/rows", self._row_body(str(uuid4())))

    def company(self) -> None:
        """Look at a company."""
        self._ask("GET", f"/api/companies/{self._company}")

    def read(self) -> None:
        """Read a row by the bare view."""
        self._ask("GET", f"/bare/rows/{self._row}")

    def health(self) -> None:
        """Ask what does nothing."""
        self._ask("GET", "/healthz")

    def _row_body(self, uuid: str) -> dict[str, Any]:
        return {"uuid": uuid, "name": "benchmark", "amount": "1.00"}

    def _command(self, name: str, body: dict[str, Any]) -> None:
        self._ask("POST", f"/api/commands/{name}", body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status in {200, 201}, (path, answer.status, content)


@contextmanager
def gunicorn(environment: dict[str, str], directory: Path) -> Iterator[int]:
    """Yield the port of a gunicorn that serves the project's and the bare views; its log is a file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    bound = environment | {"WEB_BIND": f"127.0.0.1:{port}", "HTTPS_ONLY": "false"}
    command = [sys.executable, "-m", "gunicorn", "settings.wsgi"]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(command, env=bound, stderr=log)
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("gunicorn has ended: run `python -m gunicorn settings.wsgi` to see why")


def milliseconds(acts: list[Act], requests: int) -> float:
    """Return the milliseconds of one request where so many clients ask at once."""

    def ask(act: Act) -> None:
        for _ in range(requests):
            act()

    began = time.perf_counter()
    if len(acts) == 1:
        ask(acts[0])
    else:
        with ThreadPoolExecutor(len(acts)) as pool:
            list(pool.map(ask, acts))
    return (time.perf_counter() - began) / requests / len(acts) * 1000


def compare(port: int, token: str, url: str, clients: int, rounds: int, requests: int) -> None:
    """Measure in turn, and print the ratios."""
    asking = [Client(port, token, url) for _ in range(clients)]
    figures: dict[str, list[float]] = {
        name: [] for name in ("grant", "plain_grant", "insert", "company", "read", "health")
    }
    for name in figures:
        milliseconds([getattr(client, name) for client in asking], requests)  # warm
    for _ in range(rounds):
        for name, found in figures.items():
            found.append(milliseconds([getattr(client, name) for client in asking], requests))
    say(
        f"{clients} client{'s' if clients > 1 else ''}, ms a request: "
        + ", ".join(f"{name} {statistics.median(found):.2f}" for name, found in figures.items())
    )
    if clients == MANY:
        rates = {name: [1000 / each for each in figures[name]] for name in ("grant", "plain_grant")}
        record("http-grants", "/s", rates["grant"], {"raw": rates["plain_grant"]})
    say(f"  grants a second / grants as rows of the ORM: {Ratio.of(figures['plain_grant'], figures['grant'])}")
    say(f"  a grant / a bare view that inserts a row: {Ratio.of(figures['grant'], figures['insert'])}")
    say(f"  GET company / a bare view that reads a row: {Ratio.of(figures['company'], figures['read'])}")


def main() -> None:
    """Serve both by one gunicorn on a PostgreSQL that flushes, and ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--processes", type=int, default=1, help="of gunicorn")
    parser.add_argument("--clients", type=int, default=0, help="one and eight, unless it is given")
    arguments = parser.parse_args()
    with server() as url, tempfile.TemporaryDirectory() as directory:
        environment = environment_of(
            url,
            {
                "DJANGO_SETTINGS_MODULE": "benchmarks.bare.settings",
                "WEB_THREADS": "16",
                "WEB_WORKERS": str(arguments.processes),
            },
        )
        owner = environment | {"DATABASE_URL": as_role(url, OWNER)}
        subprocess.run([sys.executable, "manage.py", "migrate", "--run-syncdb", "-v", "0"], check=True, env=owner)
        command = [sys.executable, "manage.py", "create_api_client", "benchmark", "--all-commands", "--token"]
        done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
        with gunicorn(environment, Path(directory)) as port:
            for clients in [arguments.clients] if arguments.clients else [1, MANY]:
                compare(port, done.stdout.strip(), url, clients, arguments.rounds, arguments.requests)


if __name__ == "__main__":
    main()
