"""Consumers behind a real PgBouncer, which drops the settings of a client; skipped if it is not installed."""

import os
import signal
from pathlib import Path

import psycopg
from django.db import connection

from tests.support.consumers.observing import Start, append, position
from tests.support.consumers.probes import trigger, written
from tests.support.databases import Database, connected_as
from tests.support.patience import wait_until
from tests.support.postgres.roles import APP, SUPERUSER


def set_for_role(setting: str) -> None:
    with connected_as(SUPERUSER), connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        cursor.execute(f'ALTER ROLE {APP} IN DATABASE "{cursor.fetchone()[0]}" SET {setting}')


def behind(pooled: str) -> dict[str, str]:
    return {"DATABASE_URL": pooled, "PREPARED_STATEMENTS": "false", "IDLE_IN_TRANSACTION_TIMEOUT": "500"}


def test_a_guarantee_that_the_pooler_dropped_is_reported_at_the_start(start: Start, pooled: str) -> None:
    append(trigger())
    process = start("run_projector", "copy", **behind(pooled), APPEND_LOCK_TIMEOUT="5000")
    wait_until(lambda: position("copy") == 1)
    assert "eventstore.append_lock_timeout is '10000' on the database 'default'" in process.errors()
    assert f"ALTER ROLE {APP} SET eventstore.append_lock_timeout = '5000ms'" in process.errors()
    assert "a frozen process keeps its locks: idle_in_transaction_session_timeout is '0'" in process.errors()
    assert f"ALTER ROLE {APP} SET idle_in_transaction_session_timeout = '500ms'" in process.errors()


def test_set_for_the_role_it_holds_and_a_frozen_copy_frees_its_locks(start: Start, pooled: str) -> None:
    set_for_role("idle_in_transaction_session_timeout = '500ms'")
    frozen = start("run_projector", "copy", **behind(pooled), PROBE_FREEZE_AT="3")
    append(*(trigger() for _ in range(5)))
    wait_until(lambda: Path(f"/proc/{frozen.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    assert "idle_in_transaction_session_timeout" not in frozen.errors()
    start("run_projector", "copy", **behind(pooled))
    wait_until(lambda: position("copy") == 5)
    os.kill(frozen.pid, signal.SIGCONT)
    append(trigger())
    wait_until(lambda: position("copy") == 6)
    assert written("copy") == [1, 2, 3, 4, 5, 6]


def test_sessions_cut_behind_the_pooler_lose_and_double_nothing(start: Start, pooled: str, database: Database) -> None:
    set_for_role("idle_in_transaction_session_timeout = '500ms'")
    processes = [
        start("run_projector", "copy", **behind(pooled)),
        start("run_processmanager", "answers", **behind(pooled)),
    ]
    wait_until(lambda: position("answers") == position("copy") == 0)
    for _ in range(10):
        append(*(trigger(1) for _ in range(4)))
        with psycopg.connect(database.url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connection.close()
    wait_until(lambda: position("copy") == 80)
    assert written("copy") == list(range(1, 81))
    assert [process.poll() for process in processes] == [None, None]
