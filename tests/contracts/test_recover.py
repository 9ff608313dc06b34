"""What `recover` shows and does once a store has gone back, or a part of it was restored."""

from collections.abc import Iterator, Sequence
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from eventstore import store
from eventstore.consumers import checkpoints
from eventstore.consumers.loop import catch_up
from eventstore.consumers.process_manager_runner import process_manager_runner
from eventstore.consumers.projector_runner import projector_runners
from eventstore.consumers.rebuild import rebuild_runner
from eventstore.consumers.runner import Step
from eventstore.errors import ReceiverAway
from eventstore.models import Checkpoint, Generation, OperatorAction
from tests.support.consumers.observing import answered, append
from tests.support.consumers.probes import PROBES, live, make_tables, registered, trigger, triggers, written
from tests.support.consumers.receiver import Courier, receiving
from tests.support.consumers.tampering import delete_event, forget_events_after, record_at_another_moment
from tests.support.databases import Database

RECOVER = ["--yes", "--actor", "me", "--reason", "node3 was promoted"]


@pytest.fixture(autouse=True)
def probes(database: Database) -> Iterator[None]:
    make_tables()
    with registered(*PROBES, Courier()), receiving():
        yield


def recover(*options: str) -> tuple[list[str], str]:
    """Return the lines that the command writes, and how it was refused."""
    out, refused = StringIO(), ""
    try:
        call_command("recover", *options, stdout=out)
    except CommandError as error:
        refused = str(error)
    return out.getvalue().splitlines(), refused


def run_projectors(*names: str) -> None:
    """Run them until a rebuild that is asked for is done; they stop at first, which is why it is asked for."""
    with pytest.raises(CommandError, match="stopped at position"):
        call_command("run_projector", *names, "--once")


def actions() -> Sequence[tuple[str, str, int | None, str, str]]:
    rows = OperatorAction.objects.order_by("consumer")
    return [(row.consumer, row.action, row.position, row.actor, row.reason) for row in rows]


def went_back(position: int, *names: str) -> None:
    """Take log and checkpoints back, as a promoted standby does, and let processes that remember more find it."""
    runners = [process_manager_runner(name) if name == "answers" else projector_runners([name])[0] for name in names]
    for runner in runners:
        runner.begin()
        while runner.step() is not Step.IDLE:
            pass
    forget_events_after(position)
    moment = store.head().recorded_at
    Checkpoint.objects.update(position=position, recorded_at=moment)
    Generation.objects.update(position=position)
    for runner in runners:
        assert runner.step() is Step.STOPPED


def test_nothing_is_shown_and_nothing_done_if_nothing_differs() -> None:
    triggers(2)
    catch_up("copy", "answers", "courier")
    lines, refused = recover("--yes", "--reason", "to be sure")
    assert (lines[0][:31], lines[1:], refused) == ("the log ends at position 2, rec", ["nothing differs"], "")
    assert actions() == []


def test_consumers_that_had_handled_more_are_shown_and_go_on_once_an_operator_says_so() -> None:
    checkpoints.register("answers")
    append(*(trigger(0) for _ in range(5)))
    went_back(3, "copy", "answers")
    lines, refused = recover()
    gone = "had handled the events at positions 4 to 5; they are gone"
    assert lines[1::2] == [f"answers {gone}", f"copy {gone}"]
    assert lines[2].startswith("  with --yes: it goes on from its checkpoint")
    assert refused.startswith("2 differences; once you know what is lost, run manage.py recover --yes --reason")
    assert live("copy").went_back_from == 5
    append(trigger(0))
    assert recover()[0][1] == f"answers {gone}, and other events have their positions"
    assert recover("--yes")[1] == "a recovery needs a reason: it is recorded for those who ask later"
    lines, refused = recover(*RECOVER)
    assert (lines[2].startswith("  done: it goes on"), refused) == (True, "")
    catch_up("copy", "answers")
    assert (live("copy").position, live("copy").went_back_from, live("answers").position) == (4, None, 4)
    assert actions() == [
        ("answers", "recover", 5, "me", "node3 was promoted"),
        ("copy", "recover", 5, "me", "node3 was promoted"),
    ]
    assert recover()[0][1:] == ["nothing differs"]


def test_a_read_model_beyond_the_head_is_rebuilt_by_its_projector() -> None:
    triggers(5)
    catch_up("copy", "base", "dependent")
    forget_events_after(3)
    lines, _ = recover()
    assert lines[1:] == [
        line
        for name in ("base", "copy", "dependent")
        for line in (
            f"{name} is at position 5, and the log ends at 3",
            "  with --yes: its read model is rebuilt by the running projector",
        )
    ]
    assert recover(*RECOVER)[1] == ""
    lines, refused = recover()
    assert (lines[2], refused) == ("  nothing to do: its rebuild is asked for", "")
    run_projectors("copy", "base")
    assert (live("copy").position, live("base").position, live("dependent").position) == (3, 3, 3)
    assert written("copy", live("copy").generation) == [1, 2, 3]
    assert recover()[0][1:] == ["nothing differs"]


def test_what_a_process_manager_and_a_relay_did_is_final_so_they_go_on_after_the_head() -> None:
    checkpoints.register("answers")
    append(trigger(1), trigger(1))
    catch_up("answers", "courier")
    before, at = answered(), live("answers").position
    record_at_another_moment(at)
    lines, _ = recover()
    assert lines[1] == f"answers has handled another event at position {at}"
    assert recover(*RECOVER)[1] == ""
    catch_up("answers", "courier")
    assert (answered(), live("answers").position) == (before, store.head().position)
    append(trigger(1))
    catch_up("answers")
    assert len(answered()) == len(before) + 1


def test_a_rebuild_of_another_log_begins_anew() -> None:
    triggers(4)
    catch_up("copy")
    rebuild = rebuild_runner("copy")
    rebuild.begin("copy", actor="me")
    assert rebuild.step() is Step.PROGRESSED
    forget_events_after(2)
    assert any(line.startswith("copy@rebuild is at position 4") for line in recover()[0])
    assert recover(*RECOVER)[1] == ""
    assert not Checkpoint.objects.filter(name="copy@rebuild").exists()


def test_rows_that_are_not_where_their_checkpoint_is_are_rebuilt() -> None:
    triggers(3)
    catch_up("copy")
    Generation.objects.filter(projector="copy").update(position=2)
    assert recover()[0][1] == "copy is at position 3, and the rows of its read model are at 2"
    assert recover(*RECOVER)[1] == ""
    run_projectors("copy")
    assert recover()[0][1:] == ["nothing differs"]


@pytest.mark.parametrize("position", [1, 3])
def test_a_hole_is_named_and_cannot_be_recovered(position: int) -> None:
    triggers(4)
    delete_event(position)
    lines, refused = recover(*RECOVER)
    assert lines[1].startswith(f"the log has a hole at position {position}: restore it")
    assert refused == "1 difference left"


def test_what_a_receiver_holds_and_the_log_does_not_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Courier, "differences", lambda _self: ["has position 7"])
    assert recover(*RECOVER)[0][1:] == [
        "the receiver of courier has position 7",
        "  nothing can be done about it here",
    ]

    def away(_self: Courier) -> Sequence[str]:
        raise ReceiverAway("the broker", "refused")

    monkeypatch.setattr(Courier, "differences", away)
    assert recover()[0][1] == "the receiver of courier cannot be asked: the broker: refused"
