"""Consumers wait for an unreachable database, even at their start; an outage caused by a handler is an error."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from django.db import connection, connections

from eventstore import store
from eventstore.consumers.status import DATABASE
from tests.support.consumers.observing import Start, answered, append, error, failures, position
from tests.support.consumers.probes import live, trigger, written
from tests.support.databases import Database, connected_as
from tests.support.patience import wait_until
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.roles import OWNER

COMMANDS = {"copy": "run_projector", "answers": "run_processmanager"}
LOCK_ROWS = "SELECT * FROM eventstore_checkpoint FOR UPDATE"
APPEND_LOCK = "SELECT pg_advisory_xact_lock(4919131752989213764)"


def on_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has sessions that it can end")


@contextmanager
def locked(database: Database, statement: str) -> Iterator[None]:
    """Hold a lock in another session: the given one on PostgreSQL, the lock of the whole database on SQLite."""
    if database.vendor == "postgresql":
        with psycopg.connect(database.url.replace("postgres://", "postgresql://")) as other:
            other.execute(statement)
            yield
            other.rollback()
    else:
        with closing(sqlite3.connect(database.url.removeprefix("sqlite:///"))) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.rollback()


def sessions_that_wait_for_a_lock() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return [pid for (pid,) in cursor.fetchall()]


def test_a_handler_that_exceeds_the_idle_limit_stops_with_the_error_in_its_checkpoint(start: Start) -> None:
    on_postgresql()
    append(*(trigger() for _ in range(5)))
    limits = {"IDLE_IN_TRANSACTION_TIMEOUT": "500", "PROBE_SLEEP_AT": "3"}
    process = start("run_projector", "copy", "tally", **limits)
    wait_until(lambda: failures("copy") == failures("tally") == 1)
    assert (position("copy"), written("copy")) == (2, [1, 2])
    assert "its transaction was lost" in error("copy")
    assert process.poll() is None
    process.kill_group()
    start("run_projector", "copy")
    wait_until(lambda: position("copy") == 5)
    assert written("copy") == [1, 2, 3, 4, 5]


@pytest.mark.usefixtures("durable_database")
def test_consumers_that_start_before_their_database_wait_for_it(cluster: Cluster, start: Start) -> None:
    append(trigger())
    connections.close_all()
    cluster.stop()
    processes = [start("run_projector", "copy"), start("run_processmanager", "answers")]
    for process in processes:
        wait_until(lambda process=process: "the database is away" in process.errors())  # type: ignore[misc] # mypy infers no default of a lambda
    cluster.start()
    wait_until(lambda: position("copy") == position("answers") == 1)
    append(trigger())
    wait_until(lambda: answered() == ["2/0"])
    assert [process.poll() for process in processes] == [None, None]


@pytest.mark.usefixtures("durable_database")
def test_once_does_not_wait_for_a_database_that_is_unreachable_at_its_start(cluster: Cluster, start: Start) -> None:
    connections.close_all()
    cluster.stop()
    process = start("run_projector", "copy", "--once")
    assert process.wait() == 1
    assert process.errors().startswith("CommandError: the database 'default' cannot be used: ")
    assert process.errors().count("\n") == 1
    cluster.start()


def test_consumers_whose_connections_are_cut_repeatedly_lose_and_duplicate_nothing(start: Start) -> None:
    on_postgresql()
    processes = [start("run_projector", "copy", "tally"), start("run_processmanager", "answers")]
    wait_until(lambda: position("answers") == position("copy") == position("tally") == 0)
    for _ in range(15):
        append(*(trigger(2) for _ in range(4)))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    wait_until(lambda: len(answered()) == 120)
    wait_until(lambda: position("copy") == position("tally") == 180)
    assert len(set(answered())) == 120
    assert written("copy") == written("tally") == list(range(1, 181))
    assert [process.poll() for process in processes] == [None, None]
    assert [failures(name) for name in ("copy", "tally", "answers")] == [0, 0, 0]


@pytest.mark.parametrize("name", ["copy", "answers"])
def test_a_statement_cancelled_outside_a_handler_is_repeated(start: Start, database: Database, name: str) -> None:
    on_postgresql()
    process = start(COMMANDS[name], name)
    wait_until(lambda: position(name) == 0)
    with locked(database, LOCK_ROWS):
        append(trigger())
        wait_until(sessions_that_wait_for_a_lock)
        with connection.cursor() as cursor:
            for pid in sessions_that_wait_for_a_lock():
                cursor.execute("SELECT pg_cancel_backend(%s)", [pid])
        wait_until(lambda: "canceling statement" in process.errors())
    wait_until(lambda: position(name) == store.head().position)
    assert process.poll() is None
    assert failures(name) == 0


def test_a_time_limit_of_statements_while_another_writer_holds_the_append_lock_is_no_error(
    start: Start, database: Database
) -> None:
    on_postgresql()
    assert start("run_processmanager", "answers", "--once").wait() == 0
    append(trigger(3))
    with connected_as(OWNER), connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        cursor.execute(f"ALTER DATABASE \"{cursor.fetchone()[0]}\" SET statement_timeout = '200ms'")
    with locked(database, APPEND_LOCK):
        process = start("run_processmanager", "answers")
        wait_until(lambda: process.errors().count("statement timeout") > 4)
        assert failures("answers") == 0
        assert live("answers").waiting_for == DATABASE
    wait_until(lambda: len(answered()) == 3)
    wait_until(lambda: live("answers").waiting_for == "")
    assert (process.poll(), error("answers")) == (None, "")


@pytest.mark.parametrize("name", ["copy", "answers"])
def test_sigterm_ends_a_consumer_that_waits_for_a_locked_row(start: Start, database: Database, name: str) -> None:
    assert start(COMMANDS[name], name, "--once").wait() == 0
    append(trigger())
    with locked(database, LOCK_ROWS):
        process = start(COMMANDS[name], name)
        if database.vendor == "postgresql":
            wait_until(sessions_that_wait_for_a_lock)
        else:
            wait_until(lambda: "database is locked" in process.errors())
        process.terminate()
        assert process.wait() == 0


def test_sigterm_ends_a_process_manager_that_waits_for_the_append_lock(start: Start, database: Database) -> None:
    on_postgresql()
    assert start("run_processmanager", "answers", "--once").wait() == 0
    append(trigger())
    with locked(database, APPEND_LOCK):
        process = start("run_processmanager", "answers")
        wait_until(sessions_that_wait_for_a_lock)
        process.terminate()
        assert process.wait() == 0
    assert failures("answers") == 0
