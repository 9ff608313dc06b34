"""Consumers in processes of their own, on the test's database."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.consumers.observing import Start
from tests.support.consumers.probes import make_tables, registered
from tests.support.databases import Database
from tests.support.processes import Started

QUICK = {"CONSUMER_POLL_INTERVAL": "50", "CONSUMER_BATCH_SIZE": "5"}


@pytest.fixture
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Start a command whose consumers are the probes; it is killed when the test ends."""
    crashed = "durable_database" in request.fixturenames
    database: Database = request.getfixturevalue("durable_database" if crashed else "database")
    make_tables()
    started: list[Started] = []

    def begin(*args: str, program: str = "manage", **env: str) -> Started:
        directory = tmp_path / str(len(started))
        directory.mkdir()
        arguments = [sys.executable, "-m", f"tests.support.consumers.{program}", *args]
        started.append(Started(arguments, {**database.env, **QUICK, **env}, directory))
        return started[-1]

    with registered():
        yield begin
    for process in started:
        process.kill_group()
