"""Consumers as processes: copies, kills, freezes, signals, wake-ups and outages."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction

from eventstore.consumers import operator_actions
from eventstore.consumers.loop import Loop
from eventstore.consumers.projector_runner import projector_runners
from eventstore.models import Checkpoint
from eventstore.runtime.shutdown import Stop
from tests.support import processes
from tests.support.consumers.observing import Start, answered, append, failures, position
from tests.support.consumers.probes import break_at, mend, trigger, written
from tests.support.databases import Database
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.postgres.cluster import Cluster
from tests.support.processes import Started

SELDOM = {"CONSUMER_POLL_INTERVAL": "60000"}


def test_it_registers_before_the_hydration_delay_and_a_signal_ends_the_delay(start: Start) -> None:
    append(trigger())
    process = start("run_processmanager", "answers", HYDRATION_DELAY="60000")
    projector = start("run_projector", "copy", HYDRATION_DELAY="60000")
    wait_until(lambda: position("answers") == 1 and position("copy") == 0)
    append(trigger())
    time.sleep(0.2)
    assert (written("copy"), answered()) == ([], [])
    for one in (process, projector):
        one.terminate()
        assert one.wait() == 0


def test_events_appended_during_and_after_the_hydration_delay_are_handled(start: Start) -> None:
    start("run_processmanager", "answers", HYDRATION_DELAY="500")
    wait_until(lambda: position("answers") == 0)
    for _ in range(20):
        append(trigger())
        time.sleep(0.05)
    wait_until(lambda: len(answered()) == 20)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_its_transaction_with_status_0(start: Start, sent: signal.Signals) -> None:
    process = start("run_processmanager", "answers", **SELDOM)
    wait_until(lambda: position("answers") == 0)
    append(*(trigger(4) for _ in range(50)))
    wait_until(lambda: len(answered()) > 10)
    process.send_signal(sent)
    assert process.wait() == 0
    assert [line["event"] for line in logged(process)] == ["consumers started", "consumers ended"]
    start("run_processmanager", "answers", "--once").wait()
    assert len(answered()) == len(set(answered())) == 200


def test_once_fails_if_a_signal_interrupts_it(start: Start) -> None:
    append(trigger())
    process = start("run_projector", "copy", "tally", "--once", HYDRATION_DELAY="60000")
    wait_until(lambda: position("tally") == 0)
    process.terminate()
    assert process.wait() == 1
    (refused,) = [line for line in process.errors().splitlines() if line.startswith("CommandError")]
    assert refused == "CommandError: copy was interrupted; tally was interrupted"
    assert written("copy") == []


def test_copies_of_a_process_manager_answer_once_even_if_they_are_killed_and_started_again(start: Start) -> None:
    copies = [start("run_processmanager", "answers") for _ in range(2)]
    wait_until(lambda: position("answers") == 0)
    for round_number in range(3):
        append(*(trigger(5) for _ in range(20)))
        wait_until(lambda count=round_number: len(answered()) > count * 100 + 10)  # type: ignore[misc] # mypy infers no default of a lambda
        copies.pop(0).kill()
        copies.append(start("run_processmanager", "answers"))
    wait_until(lambda: len(answered()) == 300)
    assert len(set(answered())) == 300


def test_copies_of_a_projector_write_once(start: Start) -> None:
    for _ in range(3):
        start("run_projector", "copy", "base")
    for _ in range(20):
        append(*(trigger() for _ in range(5)))
    wait_until(lambda: position("copy") == position("base") == 100)
    assert written("copy") == written("base") == list(range(1, 101))


def test_a_frozen_copy_frees_its_locks_and_cannot_write_when_it_thaws(start: Start) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no time limit on a transaction")
    frozen = start("run_projector", "copy", IDLE_IN_TRANSACTION_TIMEOUT="500", PROBE_FREEZE_AT="3")
    append(*(trigger() for _ in range(5)))
    wait_until(lambda: _is_stopped(frozen.pid))
    start("run_projector", "copy")
    wait_until(lambda: position("copy") == 5)
    os.kill(frozen.pid, signal.SIGCONT)
    append(trigger())
    wait_until(lambda: position("copy") == 6)
    wait_until(lambda: "the database is away" in frozen.errors())
    assert frozen.poll() is None
    assert written("copy") == [1, 2, 3, 4, 5, 6]
    assert Checkpoint.objects.get(name="copy").error_count == 0


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_an_append_wakes_it_long_before_the_poll_interval(start: Start) -> None:
    start("run_projector", "copy", **SELDOM)
    wait_until(lambda: position("copy") == 0)
    append(trigger())
    wait_until(lambda: position("copy") == 1)
    time.sleep(0.5)
    begun = time.monotonic()
    append(trigger())
    wait_until(lambda: position("copy") == 2)
    assert time.monotonic() - begun < 30


def test_a_lost_wake_up_costs_no_event(start: Start) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has nobody to wake it")
    start("run_projector", "copy")
    wait_until(lambda: position("copy") == 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
    append(trigger())
    wait_until(lambda: position("copy") == 1)


def test_an_idle_consumer_uses_little_cpu(start: Start) -> None:
    process = start("run_projector", **SELDOM)
    wait_until(lambda: position("copy") == position("tally") == 0)
    time.sleep(0.7)
    before = _cpu_seconds(process.pid)
    time.sleep(2)
    assert _cpu_seconds(process.pid) - before < 0.1


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_process_of_one_consumer_ends_with_its_error_in_one_line(start: Start) -> None:
    append(trigger(), trigger())
    break_at("copy", 2)
    process = start("run_projector", "copy")
    assert process.wait() == 1
    lines = process.errors().splitlines()
    assert lines[-1] == "CommandError: copy stopped at position 2: HandlerBroke: broken at 2"
    (stopped,) = [line for line in logged(process) if line["event"].startswith("consumer stopped")]
    assert (stopped["level"], stopped["consumer"], stopped["position"]) == ("error", "copy", 2)
    assert stopped["event_type"] == "ParcelRegistered"
    assert "in raise_if_broken" in stopped["exception"]
    assert "HandlerBroke: broken" in stopped["exception"]


def logged(process: Started) -> list[dict[str, Any]]:
    """Return the lines of the log that a process has written to standard error."""
    return [json.loads(line) for line in process.errors().splitlines() if line.startswith("{")]


def test_a_process_of_several_consumers_runs_the_others_and_retries_the_stopped_one(start: Start) -> None:
    append(trigger(), trigger())
    break_at("copy", 2)
    process = start("run_projector")
    wait_until(lambda: position("tally") == position("base") == 2)
    wait_until(lambda: failures("copy") > 1)
    mend()
    wait_until(lambda: position("copy") == 2)
    assert process.poll() is None
    assert "copy stopped at position 2: HandlerBroke: broken at 2; trying again in" in process.errors()


def test_a_stopped_consumer_continues_at_once_after_a_skip(start: Start) -> None:
    append(trigger(), trigger(), trigger())
    break_at("copy", 2)
    start("run_projector")
    wait_until(lambda: failures("copy") > 2)
    operator_actions.skip("copy", 2, actor="me", reason="it is bad")
    wait_until(lambda: position("copy") == 3)
    assert written("copy") == [1, 3]


def test_once_finishes_the_other_consumers_and_ends_with_an_error(start: Start) -> None:
    append(trigger(), trigger())
    break_at("copy", 2)
    process = start("run_projector", "--once")
    assert process.wait() == 1
    assert process.errors().endswith("\nCommandError: copy stopped at position 2: HandlerBroke: broken at 2\n")
    assert (position("tally"), position("base")) == (2, 2)


def test_a_pause_takes_effect_within_a_poll_and_kills_nothing(start: Start) -> None:
    process = start("run_projector", "copy")
    wait_until(lambda: position("copy") == 0)
    operator_actions.pause("copy", actor="me")
    append(trigger())
    time.sleep(0.5)
    assert position("copy") == 0
    operator_actions.resume("copy", actor="me")
    wait_until(lambda: position("copy") == 1)
    assert process.poll() is None


@pytest.mark.usefixtures("durable_database")
def test_consumers_wait_for_an_unreachable_database_without_an_error(cluster: Cluster, start: Start) -> None:
    consumers = [start("run_projector", "copy", "tally"), start("run_processmanager", "answers")]
    wait_until(lambda: position("copy") == position("answers") == 0)
    for end in (cluster.kill, cluster.stop):
        append(*(trigger(3) for _ in range(30)))
        wait_until(lambda: len(answered()) > 5)
        connections.close_all()
        end()
        time.sleep(1)
        cluster.start()
    wait_until(lambda: len(answered()) == 180)
    wait_until(lambda: position("copy") == 240)
    assert len(set(answered())) == 180
    assert written("copy") == list(range(1, 241))
    assert [process.poll() for process in consumers] == [None, None]
    assert sum(Checkpoint.objects.values_list("error_count", flat=True)) == 0


@pytest.mark.usefixtures("durable_database")
def test_a_restored_older_database_is_another_store(cluster: Cluster, start: Start) -> None:
    append(trigger(), trigger())
    connections.close_all()
    cluster.stop()
    backup = cluster.backup()
    cluster.start()
    append(trigger())
    assert start("run_projector", "copy", "--once").wait() == 0
    remembered = Checkpoint.objects.get(name="copy")
    connections.close_all()
    cluster.stop()
    cluster.restore(backup)
    cluster.start()
    append(trigger(), trigger())
    # As if the read models had a database of their own, which was not restored.
    remembered.save(force_insert=True)
    stopped = start("run_projector", "copy", "--once")
    assert stopped.wait() == 1
    assert "copy has seen position 3" in stopped.errors()
    assert "another store" in stopped.errors()
    assert written("copy") == []


@pytest.mark.usefixtures("start")
def test_consumers_wait_for_a_locked_sqlite_database(database: Database) -> None:
    if database.vendor != "sqlite":
        pytest.skip("only SQLite is locked as a whole")
    append(trigger())
    stop, reports = Stop(), list[str]()

    def follow() -> None:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 50")
        Loop(projector_runners(["copy"]), stop, once=True, report=reports.append).run()
        connection.close()

    thread = threading.Thread(target=follow)
    with transaction.atomic():
        thread.start()
        wait_until(lambda: reports)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE probe_row SET name = name")
    thread.join(timeout=PATIENCE_S)
    assert "locked" in reports[0]
    assert written("copy") == [1]


def test_memory_does_not_grow_with_the_log(start: Start) -> None:
    for _ in range(10):
        append(*(trigger() for _ in range(500)))
    process = start("run_projector", "copy", CONSUMER_BATCH_SIZE="200", DEBUG="true")
    wait_until(lambda: position("copy") > 1000)
    early = _peak_kb(process.pid)
    wait_until(lambda: position("copy") == 5_000)
    assert _peak_kb(process.pid) - early < 4_000


def _peak_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def test_the_database_must_be_migrated(database: Database, tmp_path: Path) -> None:
    if database.vendor != "sqlite":
        pytest.skip("one vendor is enough")
    file = tmp_path / "new.sqlite3"
    env = {**database.env, "DATABASE_URL": f"sqlite:///{file}"}
    done = processes.run(processes.manage("run_projector", "--once"), env, check=False)
    assert done.returncode == 1
    remedy = "CommandError: the database 'default' is not migrated; run: manage.py migrate"
    assert done.stderr == f"{remedy}, which makes the file {file}: it does not exist, or was another one meant?\n"
    assert not file.exists()
    file.touch()
    done = processes.run(processes.manage("run_projector", "--once"), env, check=False)
    assert (done.returncode, done.stderr) == (1, f"{remedy}\n")


def test_no_read_during_a_rebuild_is_incomplete_or_older_than_the_one_before(start: Start) -> None:
    append(*(trigger() for _ in range(60)))
    start("run_projector", "copy")
    wait_until(lambda: position("copy") == 60)
    rebuilds = [start("rebuild_projector", "copy") for _ in range(2)]
    newest, generations = 0, set()
    for number in range(60, 160):
        append(trigger())
        seen, generation, rows = _read_model()
        assert seen >= newest
        assert rows == seen
        newest = seen
        generations.add(generation)
        if number == 90:
            rebuilds.pop(0).kill_group()
        time.sleep(0.03)
    assert rebuilds[0].wait() == 0
    wait_until(lambda: position("copy") == 160)
    rebuilt = Checkpoint.objects.get(name="copy").generation
    assert rebuilt > 1
    assert written("copy", rebuilt) == list(range(1, 161))


def _read_model() -> tuple[int, int, int]:
    """Return position, generation and number of rows, read by one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.position, c.generation, (SELECT count(*) FROM probe_row r WHERE r.name = c.name AND"
            " r.generation = c.generation) FROM eventstore_checkpoint c WHERE c.name = 'copy'"
        )
        found = cursor.fetchone()
    return int(found[0]), int(found[1]), int(found[2])
