"""What befalls the clients of histories: each fault happens while they work, or changes how they connect."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import psycopg
from django.conf import settings
from django.db import connection, connections
from django.db.backends.signals import connection_created

from tests.support.databases import Database
from tests.support.histories.books import Answer, Question
from tests.support.histories.world import World
from tests.support.postgres.proxy import CuttingProxy
from tests.support.postgres.roles import SUPERUSER, as_role

Meanwhile = Callable[[list[int]], None]
"""Happens while a history runs; it is given the ids of the clients' processes."""


def nothing() -> None:
    """Change nothing in a client."""


def _no_more(_pids: list[int]) -> None:
    """Do nothing while the clients work."""


@dataclass(frozen=True)
class Fault:
    """What is changed in each client, and what happens while they work."""

    planted: Callable[[], None] = nothing
    meanwhile: Meanwhile = _no_more


Faults = Callable[[Database, Path], AbstractContextManager[Fault]]
_chance: Final = Random(7)
_OTHERS: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> %s ORDER BY random() LIMIT 1"
)


def _superuser(database: Database) -> psycopg.Connection[Any]:
    return psycopg.connect(as_role(database.url, SUPERUSER), autocommit=True)


def socket_directory(database: Database) -> str:
    """Return the directory of the server's socket."""
    return parse_qs(urlsplit(database.url).query)["host"][0]


@contextmanager
def ended_sessions(database: Database, _folder: Path) -> Iterator[Fault]:
    """End sessions, whatever they do."""
    with _superuser(database) as other:

        def end_some(_pids: list[int]) -> None:
            for _ in range(4):
                time.sleep(_chance.random() * 0.01)
                other.execute(_OTHERS, [connection.connection.info.backend_pid])

        yield Fault(meanwhile=end_some)


@contextmanager
def cut_connections(database: Database, folder: Path) -> Iterator[Fault]:
    """Cut connections by a proxy: within a statement, a commit or an answer."""
    with CuttingProxy(folder, socket_directory(database), seed=7, most_bytes=40_000) as proxy:
        yield Fault(planted=lambda: _connect_to(proxy.folder))


@contextmanager
def short_timeouts(_database: Database, _folder: Path) -> Iterator[Fault]:
    """Give each statement little time."""

    def limit() -> None:
        connection_created.connect(_limit_statements)

    yield Fault(planted=limit)


def _limit_statements(connection: Any, **_signal: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = {_chance.choice((1, 2, 3, 5, 8))}")


@contextmanager
def few_connections(database: Database, _folder: Path) -> Iterator[Fault]:
    """Refuse connections, because the database takes only a few."""
    with _superuser(database) as other:
        other.execute(f'ALTER DATABASE "{other.info.dbname}" CONNECTION LIMIT 4')
        yield Fault(planted=_connect_for_each_question)


def _connect_for_each_question() -> None:
    ask = World.ask

    def asked_alone(self: World, question: Question) -> Answer:
        answer = ask(self, question)
        connection.close()
        return answer

    World.ask = asked_alone  # type: ignore[method-assign] # in this process only


@contextmanager
def deadlocks(database: Database, _folder: Path) -> Iterator[Fault]:
    """Wait for the append lock while holding the table that appends write to, until one is the victim."""
    with _superuser(database) as other:
        other.execute(f"ALTER DATABASE \"{other.info.dbname}\" SET deadlock_timeout = '20ms'")

        def cross(_pids: list[int]) -> None:
            for _ in range(3):
                try:
                    with other.transaction():
                        other.execute("LOCK TABLE eventstore_event IN SHARE ROW EXCLUSIVE MODE")
                        other.execute("SET LOCAL deadlock_timeout = '10s'")
                        other.execute("SELECT pg_advisory_xact_lock(4919131752989213764)")
                except psycopg.errors.DeadlockDetected:
                    continue

        yield Fault(meanwhile=cross)


@contextmanager
def frozen_processes(_database: Database, _folder: Path) -> Iterator[Fault]:
    """Freeze one client's process after the other for a moment."""

    def freeze(pids: list[int]) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(_chance.random() * 0.02)
            os.kill(pid, signal.SIGCONT)

    yield Fault(meanwhile=freeze)


@contextmanager
def old_snapshot(database: Database, _folder: Path) -> Iterator[Fault]:
    """Hold a snapshot from before the first event until the end."""
    with psycopg.connect(database.url) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM eventstore_event")
        yield Fault()


@contextmanager
def clock_set_back(database: Database, _folder: Path) -> Iterator[Fault]:
    """Set the clock by which the server dates events back and forth by hours."""
    with _superuser(database) as other:
        functions = other.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = ANY (%s)",
            [["eventstore_append", "eventstore_append_one"]],
        ).fetchall()

        def set_back(_pids: list[int]) -> None:
            for hours in (3, 0):
                time.sleep(_chance.random() * 0.01)
                earlier = f"clock_timestamp() - interval '{hours} hours'"
                for (function,) in functions:
                    other.execute(function.replace("clock_timestamp()", earlier))

        yield Fault(meanwhile=set_back)


def behind_a_pooler(url: str) -> Fault:
    """Let the clients connect to a PgBouncer in transaction mode."""

    def connect() -> None:
        settings.PREPARED_STATEMENTS = False
        connections.settings["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
        _connect_to(parse_qs(urlsplit(url).query)["host"][0], urlsplit(url).port)

    return Fault(planted=connect)


def _connect_to(folder: object, port: int | None = None) -> None:
    connections.settings["default"] |= {"HOST": str(folder)} | ({"PORT": str(port)} if port else {})


FAULTS: Final[dict[str, Faults]] = {
    "sessions are ended": ended_sessions,
    "connections are cut": cut_connections,
    "statements time out": short_timeouts,
    "connections are refused": few_connections,
    "deadlocks have victims": deadlocks,
    "processes are frozen": frozen_processes,
    "a snapshot is held": old_snapshot,
    "the clock is set back": clock_set_back,
}
HARMLESS: Final = ("processes are frozen", "a snapshot is held", "the clock is set back")
"""The faults of which a client notices nothing."""
