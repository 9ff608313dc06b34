"""The PostgreSQL server that benchmarks run on: one that flushes to disk, with a migrated database."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.postgres.cluster import Cluster
from tests.support.postgres.roles import APP, OWNER, as_role

HERE = Path(__file__).parent
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "30min"}

_COMPARED = (
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {role}",
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO {role}",
    "GRANT CREATE ON SCHEMA public TO {role}",
)
"""What the application's role may do with the tables that a benchmark compares with."""


@contextmanager
def server(*, flush_delay_us: int = 0, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the application's URL of a migrated database; each flush to disk takes so many microseconds longer."""
    with tempfile.TemporaryDirectory() as directory:
        environment = slow_flush(Path(directory), flush_delay_us) if flush_delay_us else {}
        with Cluster(durable=True, settings={**SETTINGS, **(settings or {})}, environment=environment) as cluster:
            cluster.create_database("daybook")
            url = cluster.url("daybook")
            manage(as_role(url, OWNER), "migrate", "--verbosity", "0")
            execute(url, *(statement.format(role=APP) for statement in _COMPARED))
            yield url


def slow_flush(directory: Path, microseconds: int) -> dict[str, str]:
    """Compile the library that slows each flush and return the environment that loads it."""
    library = directory / "slow_flush.so"
    source = str(HERE / "slow_flush.c")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(library), source, "-ldl"], check=True)
    directory.chmod(0o755)
    return {"LD_PRELOAD": str(library), "FLUSH_DELAY_US": str(microseconds)}


def environment_of(url: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a process that works on a database, without delays."""
    return {
        **os.environ,
        "DEBUG": "false",
        "SECRET_KEY": "of a benchmark",
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "settings",
        "HYDRATION_DELAY": "0",
        "HYDRATION_DELAY_ENTROPY": "0",
        **(more or {}),
    }


def manage(url: str, *arguments: str) -> None:
    """Run a management command on a database; it must succeed."""
    subprocess.run([sys.executable, "manage.py", *arguments], check=True, env=environment_of(url))


def execute(url: str, *statements: str) -> None:
    """Run statements as the owner of the tables, each in a transaction of its own."""
    with psycopg.connect(as_role(url, OWNER), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def server_time(url: str) -> float:
    """Return the seconds of processor time that all processes of a PostgreSQL server have taken."""
    import psutil

    with psycopg.connect(url) as connection:
        process = psutil.Process(connection.info.backend_pid).parent()
    assert process is not None
    ended = process.cpu_times()
    running = [child.cpu_times() for child in process.children(recursive=True)]
    return ended.children_user + ended.children_system + sum(times.user + times.system for times in running)
