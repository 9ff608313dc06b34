"""Each target of the Makefile that README names runs in an empty clone; `make run` ends whole on SIGTERM and SIGINT."""

import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import psutil
import pytest

from eventstore.consumers.registry import consumers
from tests.support.documents import pages
from tests.support.documents.clone import NEITHER, cloned, environment, make
from tests.support.documents.terminal import free_port
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.processes import Started

TARGETS: Final = {"demo", "help", "prove", "run", "test"}
"""The targets that README names; `make test` is what runs this, so its commands and those of prove are only listed.

tests/acceptance/test_demo.py runs `make demo`.
"""

pytestmark = [
    pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "sqlite", reason="has SQLite databases of its own"),
    pytest.mark.skipif(NEITHER, reason="there is no make, or no repository"),
]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone of this test's own."""
    return cloned(tmp_path / "daybook")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone in which no test changes anything."""
    return cloned(tmp_path_factory.mktemp("untouched") / "daybook")


def test_readme_names_the_targets_that_are_run_here() -> None:
    assert set(re.findall(r"\bmake ([a-z]+)", pages.text("README.md"))) - {"check"} == TARGETS  # that is test


def test_help_lists_the_targets(untouched: Path) -> None:
    done = make(untouched, "help")
    assert (done.returncode, done.stderr) == (0, "")
    assert {line.split()[0] for line in done.stdout.splitlines()} >= TARGETS


def test_every_check_and_every_suite_is_part_of_the_test(untouched: Path) -> None:
    done = make(untouched, "--dry-run", "test")
    assert done.returncode == 0, done.stderr
    for part in ("ruff check .", "ruff format --check", "mypy", "lint-imports", "makemigrations --check", "describe_"):
        assert part in done.stdout
    suites = ("tests/unit", "-p tests.plugins.sqlite", "-p tests.plugins.postgres")
    assert [suite for suite in suites if f" {suite} " not in done.stdout] == []
    proved = make(untouched, "--dry-run", "prove").stdout
    assert "DAYBOOK_TEST_ROUNDS=20" in proved
    assert [suite for suite in suites if f" {suite} " not in proved] == []


def test_all_suites_run_and_one_that_fails_fails_the_whole(untouched: Path, tmp_path: Path) -> None:
    (tmp_path / "pytest.sh").write_text('echo "ran $*"; case "$*" in *sqlite*) exit 1;; esac')
    done = make(untouched, "suite", f"PYTEST=sh {tmp_path}/pytest.sh")
    ran = [line for line in done.stdout.splitlines() if line.startswith("ran ")]
    assert sorted("sqlite" in line for line in ran) == [False, False, True]
    assert re.findall(r"\*\*\* .*(tests-on-\w+)\] Error", done.stderr) == ["tests-on-sqlite"]
    assert done.returncode != 0


def test_everything_runs_from_no_database_at_all_and_ends_whole(clone: Path) -> None:
    with running(clone) as (process, port):
        wait_until(lambda: process.poll() is not None or is_ready(port))
        assert process.poll() is None, process.output() + process.errors()
        assert status(port, "/admin/login/") == 200
        assert status(port, "/api/companies") == 401
        assert "the password " in process.output()
        assert f"Books is at http://127.0.0.1:{port}/books/" in process.output()
        assert f"http://127.0.0.1:{port}/admin/" in process.output()
        wait_until(lambda: lag(clone) == 0)
        supervisor, *_ = psutil.Process(process.pid).children()
        started = supervisor.children(recursive=True)
        supervisor.terminate()
        assert process.wait() == 0, process.output() + process.errors()
        assert not any(map(runs, started))
        assert status(port, "/healthz") is None
        assert "Traceback" not in process.output() + process.errors()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_make_ends_all_that_it_started(ending: signal.Signals, clone: Path) -> None:
    (clone / "Procfile").write_text("one: sleep 600\ntwo: sleep 600\n")
    (clone / "manage.sh").write_text('test "$1" != run_processmanager')  # as if late_fees were paused
    with running(clone, "MANAGE=sh manage.sh") as (process, _):
        wait_until(lambda: process.poll() is not None or process.output().count(" started ") == 2)
        started = psutil.Process(process.pid).children(recursive=True)
        if ending == signal.SIGINT:
            os.killpg(process.pid, ending)  # as a terminal does
        else:
            process.send_signal(ending)
        assert process.wait() in {0, -ending}  # make ends by the signal, or after its child, which ends well
        wait_until(lambda: not any(map(runs, started)))


@contextmanager
def running(clone: Path, *variables: str) -> Iterator[tuple[Started, int]]:
    """Run `make run` until the block ends."""
    port = free_port()
    one = environment(WEB_BIND=f"127.0.0.1:{port}", WEB_WORKERS="1")
    process = Started(["make", "run", *variables], one, clone.parent, cwd=clone)
    try:
        yield process, port
    finally:
        process.kill_group()


def is_ready(port: int) -> bool:
    return status(port, "/readyz") == 200


def status(port: int, path: str) -> int | None:
    """Return the status of the answer, or None if there is no server."""
    connection = HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def runs(process: psutil.Process) -> bool:
    """Say whether a process still runs; one that has ended may wait to be reaped."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def lag(clone: Path) -> int:
    """Return how many events the slowest consumer has yet to handle; there is at least one event to come."""
    uri = f"file:{clone / 'daybook.sqlite3'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE_S)) as database:
        [(head,)] = database.execute("SELECT max(position) FROM eventstore_event")
        handled: dict[str, int] = dict(database.execute("SELECT name, position FROM eventstore_checkpoint"))
    return int(head or 1) - min(handled.get(name, 0) for name in consumers.names)
