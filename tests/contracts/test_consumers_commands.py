"""The commands of operators: the list of consumers, their actions, refusals in one line, and the check of the log."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from subprocess import CompletedProcess
from tempfile import TemporaryFile
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db.models import Model

from eventstore import store
from eventstore.checks import check_consumed_types
from eventstore.consumers import operator_actions, rebuild
from eventstore.consumers.loop import catch_up
from eventstore.errors import NotCaughtUp
from eventstore.models import Checkpoint, OperatorAction
from tests.support import processes
from tests.support.consumers.probes import Base, break_at, make_tables, mend, registered, triggers, written
from tests.support.consumers.tampering import delete_event, unguarded
from tests.support.databases import Database, Databases, connected_to
from tests.support.patience import PATIENCE_S

Manage = Callable[..., CompletedProcess[str]]


@pytest.fixture
def manage(database: Database) -> Iterator[Manage]:
    """manage.py with the probes as its consumers."""
    make_tables()

    def run(*args: str, check: bool = True, **env: str) -> CompletedProcess[str]:
        arguments = [sys.executable, "-m", "tests.support.consumers.manage", *args]
        return processes.run(arguments, {**database.env, **env}, check=check)

    with registered():
        yield run


def refusal(done: CompletedProcess[str]) -> str:
    """The one line of a command that was refused."""
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("CommandError: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("CommandError: ").strip()


def test_consumers_lists_every_consumer_of_the_code(manage: Manage) -> None:
    triggers(3)
    manage("run_projector", "copy", "--once")
    listed = {one["name"]: one for one in json.loads(manage("consumers", "--json").stdout)}
    assert sorted(listed) == ["answers", "attentive", "base", "copy", "dependent", "tally"]
    copy = listed["copy"]
    assert list(copy) == [
        "name", "kind", "state", "position", "head", "lag_events", "lag_seconds", "rate", "last_seen", "error",
    ]  # fmt: skip
    assert (copy["kind"], copy["state"], copy["position"], copy["head"], copy["error"]) == (
        "projector", "running", 3, 3, None,
    )  # fmt: skip
    lines = manage("consumers").stdout.splitlines()
    assert len(lines) == 7
    assert "copy\tprojector\trunning\t3\t3\t0\t0.0" in lines[4]


def test_pause_resume_and_skip(manage: Manage) -> None:
    triggers(3)
    break_at("copy", 2)
    stopped = manage("run_projector", "copy", "--once", check=False)
    assert stopped.returncode == 1
    assert stopped.stderr.splitlines()[-1] == "CommandError: copy stopped at position 2: HandlerBroke: broken at 2"
    manage("consumers", "skip", "copy", "--position", "2", "--reason", "it is bad")
    manage("consumers", "pause", "copy", "--reason", "lunch")
    refused = refusal(manage("run_projector", "copy", "--once", check=False))
    assert re.fullmatch("copy is paused by .+: lunch, since .+ UTC; .+: manage.py consumers resume copy", refused)
    manage("consumers", "resume", "copy", "--actor", "somebody else")
    manage("run_projector", "copy", "--once")
    assert written("copy") == [1, 3]
    kept = [(one.action, one.position, one.reason) for one in OperatorAction.objects.order_by("id")]
    assert kept == [("skip", 2, "it is bad"), ("pause", None, "lunch"), ("resume", None, "")]
    assert OperatorAction.objects.first().actor == "somebody else"  # type: ignore[union-attr] # it is there


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("run_processmanager nobody", "there is no process manager 'nobody'; there are: answers, attentive"),
        ("run_projector copy nobody", "there is no projector 'nobody'; there are: base, copy, dependent, tally"),
        ("rebuild_projector answers", "answers is a process manager: what it did is final"),
        ("run_projector --batch-size 0", "--batch-size '0' is not allowed: it must be a whole number"),
        ("consumers pause nobody", "there is no consumer 'nobody'; there are: answers, attentive, base"),
        ("consumers skip copy --position 2", "a skip needs a reason: it is recorded"),
        ("consumers skip copy --reason x", "skip asks for --position, the event at which"),
        ("consumers skip copy --position 2 --reason x", "copy is not stopped: there is nothing to skip"),
    ],
)
@pytest.mark.usefixtures("manage")
@pytest.mark.one_database
def test_a_request_that_does_not_fit_is_refused(command: str, line: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command(*command.split())
    assert str(refused.value).startswith(line)
    assert not Checkpoint.objects.exists()


@pytest.mark.usefixtures("manage")
def test_projectors_that_depend_on_each_other_in_a_circle_are_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Base, "depends_on", ("dependent",))
    with pytest.raises(CommandError, match="projectors depend on each other in a circle: "):
        call_command("run_projector", "tally", "--once")


def test_a_rebuild_reports_what_it_rebuilt(manage: Manage) -> None:
    triggers(3)
    catch_up("base")
    done = manage("rebuild_projector", "dependent")
    assert done.stdout == "base, dependent: rebuilt\n"
    assert "rebuild_projector dependent: 3 events in" in done.stderr
    assert (written("base", 1), written("base", 2)) == ([], [1, 2, 3])


@pytest.mark.usefixtures("manage")
def test_a_rebuild_waits_for_a_database_lost_before_it_begins_or_after_its_switch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    triggers(3)
    catch_up("copy")
    to_lose, delete_some, begin = {1, 2}, rebuild._delete_some, rebuild.RebuildRunner._begin

    def delete(table: type[Model], live_generation: int, using: str) -> int:
        if live_generation in to_lose:
            to_lose.remove(live_generation)
            raise OperationalError("lost") from psycopg.OperationalError("server closed the connection")
        return delete_some(table, live_generation, using)

    def beginning(*args: Any, **options: Any) -> bool:
        monkeypatch.setattr(rebuild.RebuildRunner, "_begin", begin)
        raise OperationalError("lost") from psycopg.OperationalError("server closed the connection")

    monkeypatch.setattr(rebuild, "_delete_some", delete)
    monkeypatch.setattr(rebuild.RebuildRunner, "_begin", beginning)
    call_command("rebuild_projector", "copy")
    printed = capsys.readouterr()
    assert printed.out == "copy: rebuilt\n"
    assert printed.err.count("the database is away: lost") == 3
    assert (written("copy", 1), written("copy", 2)) == ([], [1, 2, 3])


@pytest.mark.usefixtures("manage")
def test_a_rebuild_retries_skipped_events_with_the_option() -> None:
    triggers(3)
    break_at("copy", 2)
    with pytest.raises(NotCaughtUp):
        catch_up("copy")
    operator_actions.skip("copy", 2, actor="me", reason="it is bad")
    mend()
    call_command("rebuild_projector", "copy")
    assert written("copy", 2) == [1, 3]
    call_command("rebuild_projector", "copy", "--retry-skipped")
    assert written("copy", 3) == [1, 2, 3]


def test_read_models_may_lie_in_a_database_of_their_own(manage: Manage, databases: Databases) -> None:
    own = databases.make()
    try:
        with connected_to(own):
            make_tables()
        triggers(3)
        manage("run_projector", "copy", "--once", READ_DATABASE_URL=own.url)
        manage("consumers", "pause", "copy", READ_DATABASE_URL=own.url)
        manage("consumers", "resume", "copy", READ_DATABASE_URL=own.url)
        manage("rebuild_projector", "copy", READ_DATABASE_URL=own.url)
        manage("run_processmanager", "answers", "--once", READ_DATABASE_URL=own.url)
        listed = {
            one["name"]: one for one in json.loads(manage("consumers", "--json", READ_DATABASE_URL=own.url).stdout)
        }
        assert (listed["copy"]["position"], listed["answers"]["position"]) == (3, 3)
        assert [row.name for row in Checkpoint.objects.all()] == ["answers"]
        with connected_to(own):
            assert [(row.name, row.generation) for row in Checkpoint.objects.all()] == [("copy", 2)]
            assert (written("copy", 1), written("copy", 2)) == ([], [1, 2, 3])
    finally:
        databases.drop(own)


def test_a_refusal_is_one_line_and_status_1(manage: Manage) -> None:
    line = refusal(manage("run_projector", "copy", "nobody", check=False))
    assert line == "there is no projector 'nobody'; there are: base, copy, dependent, tally"


class TestVerifyEventstore:
    def test_a_whole_log_passes(self, manage: Manage) -> None:
        triggers(5)
        passed = manage("verify_eventstore")
        assert passed.stdout == "5 events: positions and versions without holes, every one readable\n"

    @pytest.mark.usefixtures("manage")
    def test_a_hole_is_named(self) -> None:
        triggers(5)
        delete_event(3)
        with pytest.raises(CommandError, match="^position 3 is missing: the next event is at 4$"):
            call_command("verify_eventstore")

    @pytest.mark.usefixtures("manage")
    def test_a_gap_in_a_stream_is_named(self) -> None:
        triggers(5)
        event = store.read_event(4)
        assert event is not None
        with unguarded() as cursor:
            cursor.execute("UPDATE eventstore_event SET version = 3 WHERE position = 4")
        with pytest.raises(CommandError, match=f"^stream {event.stream_id}: version 1 is missing, the next is 3$"):
            call_command("verify_eventstore")

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            ("type = 'Nonsense'", "event type 'Nonsense' at position 2 is not registered"),
            ("""payload = '{"nonsense": 1}'""", "ParcelRegistered at position 2 is not readable"),
            ("schema_version = 9", "position 2"),
            ("actor = ''", "ParcelRegistered at position 2: actor or correlation_id is empty"),
            ("metadata = '[]'", "ParcelRegistered at position 2: metadata is not an object"),
            ("recorded_at = '1999-12-31 00:00:00'", "ParcelRegistered at position 2: recorded_at 1999-12-3"),
        ],
    )
    @pytest.mark.usefixtures("manage")
    def test_an_event_that_cannot_be_read_or_cannot_be_true_is_named(self, change: str, fault: str) -> None:
        triggers(3)
        with unguarded() as cursor:
            cursor.execute(f"UPDATE eventstore_event SET {change} WHERE position = 2")
        with pytest.raises(CommandError, match=fault):
            call_command("verify_eventstore")


def test_a_skip_without_a_position_is_refused(manage: Manage) -> None:
    done = manage("consumers", "skip", "copy", "--reason", "it is wrong", check=False)
    assert refusal(done) == "skip asks for --position, the event at which the consumer stopped"


def test_a_rebuild_of_an_unknown_projector_is_refused_with_the_known_names(manage: Manage) -> None:
    printed = refusal(manage("rebuild_projector", "nope", check=False))
    assert printed == "there is no projector 'nope'; there are: base, copy, dependent, tally"


@pytest.mark.parametrize("command", ["consumers", "consumers --json", "verify_eventstore", "help", "showmigrations"])
@pytest.mark.one_database
def test_a_reader_of_the_output_that_ends_early_causes_no_traceback(database: Database, command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stdout, TemporaryFile() as stderr:
        arguments = processes.manage(*command.split())
        status = processes.begin(arguments, database.env, processes.ROOT, (stdout, stderr)).wait(PATIENCE_S)
        stderr.seek(0)
        complaints = stderr.read()
    assert (status, b"Traceback" in complaints, b"BrokenPipe" in complaints) == (141, False, False)


def test_a_misspelt_event_type_is_named_with_what_it_may_have_meant() -> None:
    class Misspelt(Base):
        name = "misspelt"
        types = ("ParcelRegistred", "SomethingElse")

    with registered(Misspelt()):
        faults = check_consumed_types(None)
    assert [(fault.msg, fault.hint) for fault in faults] == [
        (
            "misspelt handles the event type 'ParcelRegistred', which is not registered",
            "Did you mean 'ParcelRegistered'?",
        ),
        (
            "misspelt handles the event type 'SomethingElse', which is not registered",
            "Register its class, or remove it from `types`.",
        ),
    ]
