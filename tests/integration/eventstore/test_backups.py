"""A backup made as docs/how-to/back-up-and-restore.md says contains the whole ledger and its triggers."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.support.databases import Database, Databases
from tests.support.ledger.portfolio import new_company
from tests.support.patience import PATIENCE_S
from tests.support.postgres import cluster as postgres
from tests.support.postgres.roles import OWNER, SUPERUSER, as_role
from tests.support.processes import RunManage


def psql(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture
def restored(database: Database, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a ledger that was recorded, dumped, and restored into a new database."""
    for _ in range(3):
        new_company("100.00")
    if database.vendor == "sqlite":
        copy = tmp_path / "backup.sqlite3"
        with (
            closing(sqlite3.connect(database.url.removeprefix("sqlite:///"))) as live,
            closing(sqlite3.connect(copy)) as new,
        ):
            live.backup(new)
        yield f"sqlite:///{copy}"
        return
    name = f"{urlsplit(database.url).path.removeprefix('/')}_restored"
    dump = tmp_path / "daybook.dump"
    owner = database.owners["DATABASE_URL"]
    server = as_role(psql(owner, "postgres"), SUPERUSER)
    binaries = postgres.binaries()
    _run(binaries / "pg_dump", "--format=custom", f"--file={dump}", owner)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0 OWNER {OWNER}')
    _run(binaries / "pg_restore", "--no-owner", "--exit-on-error", f"--dbname={psql(owner, name)}", dump)
    yield psql(owner, name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _run(program: Path, *arguments: object) -> None:
    subprocess.run([str(program), *map(str, arguments)], check=True, capture_output=True, timeout=PATIENCE_S)


def test_a_restored_backup_contains_the_whole_ledger(restored: str, run_manage: RunManage) -> None:
    printed = run_manage("verify_eventstore", env={"DATABASE_URL": restored}).stdout
    assert printed.startswith("6 events: positions and versions without holes")
    run_manage("migrate", "--check", env={"DATABASE_URL": restored})


def test_a_restored_log_refuses_changes(restored: str) -> None:
    connection: Any
    if restored.startswith("sqlite"):
        connection = sqlite3.connect(restored.removeprefix("sqlite:///"))
    else:
        connection = psycopg.connect(restored)
    with closing(connection), pytest.raises((sqlite3.IntegrityError, psycopg.Error), match="append-only"):
        connection.execute("DELETE FROM eventstore_event")
