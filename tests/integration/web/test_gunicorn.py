"""The web as gunicorn serves it, with the project's own configuration."""

import os
import re
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from ledger import clients, handlers
from ledger.rules.commands import RegisterCompany
from tests.support import processes
from tests.support.databases import Database
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.processes import RunManage
from tests.support.webserver import Serve, WebServer

pytestmark = pytest.mark.skipif(
    os.environ.get("DAYBOOK_TEST_VENDOR") != "postgresql", reason="one database is enough, the one that serves many"
)


def test_it_serves_the_tests_own_database(serve_alone: Serve) -> None:
    server = serve_alone()
    assert server.ask("GET", "/readyz").json() == {"status": "ready"}
    assert server.ask("GET", "/api/companies").status == 401


def test_after_sigterm_it_ends_and_leaves_no_files_behind(serve_alone: Serve, tmp_path: Path) -> None:
    process = serve_alone(TMPDIR=str(tmp_path)).process
    assert [path.name.startswith("daybook-metrics-") for path in tmp_path.glob("*metrics*")] == [True]
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    assert list(tmp_path.glob("*metrics*")) == []


def test_after_sigterm_requests_under_way_are_answered(serve_alone: Serve) -> None:
    server = serve_alone()
    headers = {"Authorization": f"Bearer {clients.token(clients.create('robot', []))}"}
    waiting = {**headers, "Ledger-Min-Position": "1", "Prefer": "wait=10"}
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.ask, "GET", "/api/business-date", None, waiting)
        time.sleep(0.5)  # until it surely waits
        assert not answer.done(), answer.result()
        server.process.send_signal(signal.SIGTERM)
        handlers.execute(RegisterCompany(uuid4(), "Northwind"), actor="test")
        assert answer.result(timeout=PATIENCE_S).status == 200
    assert server.process.wait() == 0


def kill_worker(server: WebServer) -> None:
    """Kill the only worker, and return once another answers."""
    (worker,) = psutil.Process(server.process.pid).children()
    os.kill(worker.pid, signal.SIGKILL)
    wait_until(lambda: not worker.is_running() and psutil.Process(server.process.pid).children())
    server.ask("GET", "/healthz")


def test_a_worker_that_is_killed_is_replaced_and_its_counts_are_kept_in_as_many_files(
    serve_alone: Serve, tmp_path: Path
) -> None:
    server = serve_alone(TMPDIR=str(tmp_path))
    headers = {"Authorization": f"Bearer {clients.token(clients.create('robot', []))}"}
    numbers = []
    for _ in range(3):
        server.ask("GET", "/api/companies")
        server.ask("GET", "/metrics", headers=headers)
        numbers.append(len(list(tmp_path.rglob("*.db"))))
        kill_worker(server)
    # The files of one worker, and those of all that have ended.
    assert numbers[0] < numbers[1] == numbers[2] == 2 * numbers[0]
    metrics = server.ask("GET", "/metrics", headers=headers).body.decode()
    found = re.search(r'http_requests_total\{method="GET",route="/api/companies",status="401"\} (\S+)', metrics)
    assert found is not None
    assert float(found[1]) == 3


def test_a_wrong_setting_stops_it_in_one_line(database: Database) -> None:
    command = [sys.executable, "-m", "gunicorn", "settings.wsgi"]
    done = processes.run(command, {**database.env, "WEB_THREADS": "many"}, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Daybook does not start: WEB_THREADS='many' is not allowed: it must be a whole number from 1 to 1000"
    ]


def test_an_address_that_another_process_serves_is_refused_before_anything_is_started(run_manage: RunManage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        refused = run_manage("check_web_address", check=False, env={"WEB_BIND": address})
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"CommandError: nothing can listen at WEB_BIND={address} (Address already in use")
    run_manage("check_web_address", env={"WEB_BIND": address})
