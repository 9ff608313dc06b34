"""`make run` starts everything for real, from no database at all, and ends all of it at Ctrl-C."""

import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.support.processes import Started, wait_until

pytestmark = [
    pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "sqlite", reason="has an SQLite database of its own"),
    pytest.mark.skipif(shutil.which("make") is None, reason="there is no make"),
]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Started, int]]:
    # The packages that run the tests are there already: the rule that would install them is taken as done.
    port, binaries = free_port(), Path(sys.executable).parent
    process = Started(
        ["make", "run", f"BIN={binaries}", "--assume-old", ".venv/runtime"],
        {**os.environ, "WEB_BIND": f"127.0.0.1:{port}", "DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3"},
        tmp_path,
    )
    yield process, port
    process.kill_group()


def status(port: int, path: str) -> int | None:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def test_it_begins_with_nothing_and_ends_whole(running: tuple[Started, int]) -> None:
    process, port = running
    wait_until(lambda: status(port, "/readyz") == 200 or process.poll() is not None, timeout=60, every=0.2)
    assert process.poll() is None, process.output() + process.errors()
    assert status(port, "/admin/login/") == 200
    assert status(port, "/api/companies") == 401
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=60)
    assert status(port, "/healthz") is None
    assert "password" in process.output() + process.errors()
