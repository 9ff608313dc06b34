"""Fresh, migrated databases for tests, each a copy of a template that is migrated once in a run."""

import importlib
import importlib.util
import os
import pickle
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import environ
import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from tests.support import scratch, shared
from tests.support.postgres import cluster, roles

_CACHES: Final = (
    ("eventstore.log.cache", "clear_all"),
    ("eventstore.log.replica", "forget"),
    ("ledger.memberships", "reset"),
)
"""What the application keeps in the process about a database: module and function that forgets it."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Database:
    """One migrated database: its URL, its vendor as Django names it, and the environment for a subprocess."""

    url: str
    vendor: str

    @property
    def env(self) -> dict[str, str]:
        """The whole environment for a subprocess that is to work on this database."""
        return {**os.environ, "DATABASE_URL": self.url, "PYTHONUNBUFFERED": "1"}

    @property
    def owners(self) -> dict[str, str]:
        """What is added to the environment of a subprocess that migrates."""
        return {"DATABASE_URL": roles.as_role(self.url, roles.OWNER) if self.vendor == "postgresql" else self.url}


class Databases(ABC):
    """Makes databases and drops them again."""

    def __init__(self) -> None:
        self._made = 0
        self._template = self._shared("template_daybook")
        shared.once("template", self._make_template)

    def make(self) -> Database:
        """Return a new database, migrated and otherwise empty."""
        return self.copy(self._template)

    def prepared(self, name: str, prepare: Callable[[Database], T]) -> tuple[Database, T]:
        """Return a new database in which a function has recorded something, and its result; it runs once in a run."""
        source, result = self._shared(f"prepared_{name}"), shared.folder() / f"{name}.pickle"

        def make() -> None:
            self._copy(self._template, source)
            with connected_to(source):
                result.write_bytes(pickle.dumps(prepare(source)))

        shared.once(name, make)
        value: T = pickle.loads(result.read_bytes())  # noqa: S301 - written above
        return self.copy(source), value

    def copy(self, database: Database) -> Database:
        """Return a copy of a database, to which nobody may be connected."""
        self._made += 1
        copy = self._own(f"test_{os.getpid()}_{self._made}")
        self._copy(database, copy)
        return copy

    @abstractmethod
    def drop(self, database: Database) -> None:
        """Drop it, even if connections to it are open."""

    @abstractmethod
    def close(self) -> None:
        """Leave nothing behind."""

    @abstractmethod
    def _make_template(self) -> None: ...

    @abstractmethod
    def _copy(self, source: Database, copy: Database) -> None: ...

    @abstractmethod
    def _own(self, name: str) -> Database:
        """Return a database of this process that need not exist."""

    @abstractmethod
    def _shared(self, name: str) -> Database:
        """Return a database of all processes of the run that need not exist."""


class SqliteDatabases(Databases):
    """SQLite files, in memory if the machine has room, so that flushing them costs nothing."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="daybook-sqlite-", dir=scratch.quick()))
        super().__init__()

    def drop(self, database: Database) -> None:
        """Delete the file and what SQLite keeps beside it."""
        path = self._path(database)
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink(missing_ok=True)

    def close(self) -> None:
        """Delete all of it."""
        shutil.rmtree(self._directory)

    def _make_template(self) -> None:
        migrate(self._template)

    def _copy(self, source: Database, copy: Database) -> None:
        # SQLite deletes its write-ahead log when the last connection is closed, so that the file is the whole database.
        shutil.copyfile(self._path(source), self._path(copy))

    def _own(self, name: str) -> Database:
        return Database(f"sqlite:///{self._directory / name}.sqlite3", "sqlite")

    def _shared(self, name: str) -> Database:
        return Database(f"sqlite:///{shared.folder() / name}.sqlite3", "sqlite")

    @staticmethod
    def _path(database: Database) -> Path:
        return Path(database.url.removeprefix("sqlite:///"))


class PostgresDatabases(Databases):
    """Databases on one PostgreSQL server, given by the directory of its socket."""

    def __init__(self, socket_directory: str) -> None:
        self._socket_directory = socket_directory
        # One for all that is created and dropped: a connection of its own takes as long as a fifth of that.
        self._server = psycopg.connect(
            host=socket_directory, user=roles.SUPERUSER, dbname="postgres", autocommit=True, prepare_threshold=None
        )
        super().__init__()

    def drop(self, database: Database) -> None:
        """Drop it by force."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._name(database))

    def close(self) -> None:
        """Leave the template to the other processes of the run; the server is deleted with it."""
        self._server.close()

    def _make_template(self) -> None:
        name = self._name(self._template)
        self._execute("CREATE DATABASE {} TEMPLATE template0", name)
        roles.create_roles(cluster.binaries(), self._socket_directory, name)
        migrate(self._template)
        self._compact(name)

    def _compact(self, name: str) -> None:
        """Write PostgreSQL's own tables anew without their maps: 72 of 649 files, which each database would copy."""
        # Ours are left as the migrations make them, because plans depend on what a vacuum counts.
        kind = "relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared"
        with psycopg.connect(
            host=self._socket_directory, user=roles.SUPERUSER, dbname=name, autocommit=True
        ) as connection:
            tables = connection.execute(f"SELECT relname FROM pg_class WHERE {kind}").fetchall()
            names = sql.SQL(", ").join(sql.Identifier(table) for (table,) in tables)
            connection.execute(sql.SQL("VACUUM FULL {}").format(names))

    def _copy(self, source: Database, copy: Database) -> None:
        statement = "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY OWNER {}"
        self._execute(statement, self._name(copy), self._name(source), roles.OWNER)

    def _execute(self, statement: str, *names: str) -> None:
        self._server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _own(self, name: str) -> Database:
        return Database(roles.url(self._socket_directory, name), "postgresql")

    _shared = _own

    @staticmethod
    def _name(database: Database) -> str:
        name: str = _parsed(database.url)["NAME"]
        return name


def migrate(database: Database) -> None:
    """Bring a database up to date with the migrations, as the owner of its tables."""
    with connected_to(database), connected_as(roles.OWNER):
        call_command("migrate", verbosity=0)


@contextmanager
def connected_as(role: str, alias: str = "default") -> Iterator[None]:
    """Let Django connect to its PostgreSQL database as another role; SQLite has none, so nothing changes there."""
    settings = connections.settings[alias]
    if connections[alias].vendor != "postgresql":
        yield
        return
    before = settings["USER"]
    _disconnect(alias)
    settings["USER"] = role
    try:
        yield
    finally:
        _disconnect(alias)
        settings["USER"] = before


@contextmanager
def connected_to(database: Database, alias: str = "default") -> Iterator[None]:
    """Point Django's connection at a database, in all threads, and forget what was known of the one before.

    Threads of the test must have ended, or closed their connections, by the end of the block.
    """
    settings = connections.settings[alias]
    before = dict(settings)
    given = _parsed(database.url)
    _disconnect(alias)
    settings.update({name: given[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT") if name in given})
    settings["OPTIONS"] = {**before["OPTIONS"], **given.get("OPTIONS", {})}
    forget()
    try:
        yield
    finally:
        _disconnect(alias)
        settings.update(before)
        forget()


def forget() -> None:
    """Empty the application's caches: what they hold is of another database."""
    for module, function in _CACHES:
        if importlib.util.find_spec(module) is not None:
            getattr(importlib.import_module(module), function, lambda: None)()


def _disconnect(alias: str) -> None:
    """Close this thread's connection; the next use makes a new one, with nothing left of a broken transaction."""
    connections[alias].close()
    del connections[alias]


def _parsed(url: str) -> dict[str, Any]:
    return dict(environ.Env.db_url_config(url))
