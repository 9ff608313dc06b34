"""Consumers in processes of their own, on the test's database, and a PgBouncer before it."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.consumers.observing import Start
from tests.support.consumers.probes import make_tables, registered
from tests.support.databases import Database
from tests.support.patience import wait_until
from tests.support.postgres.roles import APP
from tests.support.processes import Started

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
PORT = 6432

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


@pytest.fixture
def pooled(database: Database, tmp_path: Path) -> Iterator[str]:
    """Return the URL of the test's database behind a PgBouncer of its own, in transaction mode."""
    if database.vendor != "postgresql":
        pytest.skip("PgBouncer is for PostgreSQL")
    if PGBOUNCER is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    name, directory = urlsplit(database.url).path.lstrip("/"), Path(urlsplit(database.url).query.removeprefix("host="))
    # Beside PostgreSQL's socket, which the unprivileged user may reach; a socket's path must be short.
    own = directory / f"pgbouncer-{os.getpid()}-{tmp_path.name[-8:]}"
    own.mkdir()
    (own / "pgbouncer.ini").write_text(
        f"[databases]\n{name} = host={directory} dbname={name} user={APP}\n"
        f"[pgbouncer]\nlisten_addr =\nlisten_port = {PORT}\nunix_socket_dir = {own}\nauth_type = any\n"
        f"pool_mode = transaction\nignore_startup_parameters = options\nserver_reset_query_always = 0\n"
    )
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    if user is not None:
        for path in (own, own / "pgbouncer.ini"):
            os.chown(path, user.pw_uid, user.pw_gid)
    process = subprocess.Popen(
        [PGBOUNCER, "-q", str(own / "pgbouncer.ini")],
        user=None if user is None else user.pw_uid,
        group=None if user is None else user.pw_gid,
        extra_groups=None if user is None else [],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until((own / f".s.PGSQL.{PORT}").exists)
    yield f"postgres://{APP}@:{PORT}/{name}?host={own}"
    process.terminate()
    process.wait()
    shutil.rmtree(own)
