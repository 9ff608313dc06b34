"""How long 10,000 invoices take over HTTP in batches: an asset and a product each, on a PostgreSQL that flushes.

`python -m benchmarks.batches.invoices [--invoices N]`
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from benchmarks.page.figures import record
from benchmarks.report import say
from benchmarks.server import environment_of, server, server_time
from tests.support.webserver import WebServer, serving

_COMMANDS = 10_000
"""How many commands one batch has."""


def command(name: str, /, **body: object) -> dict[str, Any]:
    """Return a command of a batch, with a new key."""
    return {"command": name, "idempotency_key": str(uuid4()), "body": body}


def post(web: WebServer, token: str, commands: list[dict[str, Any]]) -> None:
    """Send a batch; every command must be recorded."""
    connection = HTTPConnection(web.host, web.port, timeout=300)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/batches", json.dumps({"commands": commands}), headers)
    answer = json.loads(connection.getresponse().read())
    refused = [result for result in answer.get("results", [answer]) if result["status"] != 201]  # noqa: PLR2004 - the status of what was recorded
    if refused:
        raise RuntimeError(str(refused[0]))


def parties() -> tuple[str, str, str, list[dict[str, Any]]]:
    """Return a seller, a debtor and their deal, with the commands that make them."""
    seller, debtor, deal = str(uuid4()), str(uuid4()), str(uuid4())
    roles = [{"company_uuid": seller, "role": "seller"}, {"company_uuid": debtor, "role": "debtor"}]
    return (
        seller,
        debtor,
        deal,
        [
            command("register-company", company_uuid=seller, name="Seller"),
            command("register-company", company_uuid=debtor, name="Debtor"),
            command("create-deal", deal_uuid=deal, product_line_id=1, companies=roles),
            command("activate-deal", deal_uuid=deal),
        ],
    )


def invoice(number: int, seller: str, debtor: str, deal: str) -> list[dict[str, Any]]:
    """Return the commands of one invoice."""
    asset = str(uuid4())
    parts = {"value": "1250.00", "currency": "USD", "reference": f"invoice {number}"}
    terms = {"due_date": "2030-03-01", "daily_late_fee_rate": "0.001", "late_fee_payer_role": "debtor"}
    return [
        command("register-asset", asset_uuid=asset, sender_company_uuid=seller, receiver_company_uuid=debtor, **parts),
        command(
            "originate-product",
            product_uuid=str(uuid4()),
            deal_uuid=deal,
            asset_uuid=asset,
            principal="1250.00",
            reference=f"invoice {number}",
            **terms,
        ),
    ]


def _family(web: WebServer) -> list[psutil.Process]:
    arbiter = psutil.Process(web.process.pid)
    return [arbiter, *arbiter.children(recursive=True)]


def _time(web: WebServer) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in _family(web))


def _peak_mib(web: WebServer) -> float:
    """Return the peak memory of the largest process."""
    statuses = [Path(f"/proc/{process.pid}/status").read_text() for process in _family(web)]
    return max(int(status.partition("VmHWM:")[2].split()[0]) for status in statuses) / 1024


def main() -> None:
    """Serve by one gunicorn and send the batches one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invoices", type=int, default=10_000)
    arguments = parser.parse_args()
    with server() as url, tempfile.TemporaryDirectory() as directory:
        environment = environment_of(url, {"WEB_THREADS": "16"})
        create = [sys.executable, "manage.py", "create_api_client", "benchmark", "--all-commands", "--token"]
        done = subprocess.run(create, check=True, env=environment, stdout=subprocess.PIPE, text=True)
        token = done.stdout.strip()
        with serving(environment, Path(directory), alone=True) as web:
            seller, debtor, deal, made = parties()
            post(web, token, made)
            commands = [one for number in range(arguments.invoices) for one in invoice(number, seller, debtor, deal)]
            worked, server_worked, began = _time(web), server_time(url), time.perf_counter()
            for first in range(0, len(commands), _COMMANDS):
                post(web, token, commands[first : first + _COMMANDS])
            took = time.perf_counter() - began
            record(f"batch-{arguments.invoices}-invoices", "s", [took])
            worked, server_worked = _time(web) - worked, server_time(url) - server_worked
            say(
                f"{arguments.invoices:,} invoices, {len(commands):,} commands: {took:.1f} s; processor time"
                f" {worked:.1f} s of gunicorn and {server_worked:.1f} s of PostgreSQL;"
                f" {_peak_mib(web):,.0f} MiB at most; load {os.getloadavg()[0]:.1f}"
            )


if __name__ == "__main__":
    main()
