"""A rebuild that an operator asks for is done by the running projector, beside the rows that answer queries."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from eventstore.consumers import history, operator_actions
from eventstore.consumers.loop import Loop, catch_up
from eventstore.consumers.projector_runner import ProjectorRunner, projector_runners
from eventstore.consumers.rebuild import rebuild_runner
from eventstore.consumers.requested_rebuild import RequestedRebuild
from eventstore.consumers.runner import Step
from eventstore.errors import NotCaughtUp, OperationRefused
from eventstore.models import Generation, OperatorAction
from eventstore.runtime.shutdown import Stop
from tests.support.consumers.probes import break_at, live, make_tables, mend, registered, triggers, written
from tests.support.databases import Database
from tests.support.patience import wait_until


@pytest.fixture(autouse=True)
def _probes(database: Database) -> Iterator[None]:
    make_tables()
    with registered():
        yield


def pair(name: str, batch_size: int = 2) -> tuple[ProjectorRunner, RequestedRebuild]:
    [runner] = projector_runners([name], batch_size)
    return runner, RequestedRebuild(runner)


def ask(name: str) -> None:
    operator_actions.request_rebuild(name, actor="ann", reason="wrong figures")


def test_the_running_projector_rebuilds_beside_its_rows_and_goes_on_meanwhile() -> None:
    triggers(5)
    runner, rebuild = pair("copy")
    while runner.step() is Step.PROGRESSED:
        assert rebuild.step() is Step.IDLE
    ask("copy")
    assert history.rebuildings()["copy"].began_at is None
    triggers(1)
    assert runner.step() is Step.PROGRESSED
    assert rebuild.step() is Step.PROGRESSED
    assert (live("copy").generation, written("copy", 1), written("copy", 2)) == (1, [1, 2, 3, 4, 5, 6], [1, 2])
    asked = history.rebuildings()["copy"]
    assert (asked.actor, asked.reason, asked.position) == ("ann", "wrong figures", 2)
    while rebuild.step() is Step.PROGRESSED:
        pass
    assert (live("copy").generation, written("copy", 2)) == (2, [1, 2, 3, 4, 5, 6])
    assert written("copy", 1) == []
    assert history.rebuildings() == {}
    triggers(1)
    while runner.step() is Step.PROGRESSED:
        pass
    assert written("copy", 2) == [1, 2, 3, 4, 5, 6, 7]
    assert rebuild.step() is Step.IDLE
    assert [(each.action, each.actor) for each in OperatorAction.objects.all()] == [("rebuild", "ann")]


def test_a_projector_that_is_behind_sees_the_request_with_its_next_transaction() -> None:
    triggers(9)
    runner, rebuild = pair("copy")
    assert runner.step() is Step.PROGRESSED
    before = written("copy", 1)
    ask("copy")
    assert runner.step() is Step.PROGRESSED
    assert written("copy", 1) == before  # the step was spent on reading its rows again
    assert runner.step() is Step.PROGRESSED
    assert len(written("copy", 1)) > len(before)
    assert rebuild.step() is Step.PROGRESSED


def test_another_process_continues_a_rebuild_whose_process_was_killed() -> None:
    triggers(5)
    catch_up("copy")
    ask("copy")
    runner, rebuild = pair("copy")
    runner.step()
    rebuild.step()
    Loop(pair("copy"), Stop(), once=True).follow()
    assert (live("copy").generation, live("copy").rebuild_request) == (2, None)
    assert rebuild.step() is Step.PROGRESSED  # it finds the switch made, and goes on
    runner.step()
    assert rebuild.step() is Step.IDLE
    assert OperatorAction.objects.count() == 1


def test_a_process_that_saw_the_request_before_another_answered_it_rebuilds_nothing() -> None:
    triggers(5)
    catch_up("copy")
    ask("copy")
    runner, rebuild = pair("copy")
    runner.step()
    assert rebuild.is_asked_for
    Loop(pair("copy"), Stop(), once=True).follow()
    for _ in range(5):
        rebuild.step()
        runner.step()
    assert (live("copy").generation, written("copy", 3)) == (2, [])
    assert history.rebuildings() == {}


def test_a_projector_that_stopped_is_rebuilt_and_goes_on() -> None:
    triggers(3)
    break_at("copy", 2)
    with pytest.raises(NotCaughtUp):
        catch_up("copy")
    mend()
    ask("copy")
    Loop(pair("copy"), Stop(), once=True).follow()
    assert (live("copy").generation, live("copy").error_position) == (2, None)
    assert written("copy", 2) == [1, 2, 3]


def test_the_only_projector_of_a_process_that_stopped_waits_for_its_rebuild_and_does_not_end_the_process() -> None:
    triggers(9)
    catch_up("copy")
    Generation.objects.filter(projector="copy").update(position=1)  # its rows are not where its checkpoint says
    ask("copy")
    stop = Stop()

    def follow() -> None:
        try:
            Loop(pair("copy"), stop, once=False).follow()
        finally:
            connections.close_all()

    with ThreadPoolExecutor() as pool:
        followed = pool.submit(follow)
        wait_until(lambda: followed.done() or live("copy").generation == 2)
        stop.ask()
        followed.result()
    assert (live("copy").generation, live("copy").error_position) == (2, None)
    catch_up("copy")
    assert written("copy", 2) == [*range(1, 10)]


def test_a_paused_projector_is_rebuilt_once_it_is_resumed() -> None:
    triggers(3)
    catch_up("copy")
    ask("copy")
    operator_actions.pause("copy", actor="ben", reason="a look")
    runner, rebuild = pair("copy")
    assert runner.step() is Step.PAUSED
    assert rebuild.step() is Step.PAUSED
    with pytest.raises(NotCaughtUp, match="copy@rebuild is paused by ben: a look, .*: manage.py consumers resume copy"):
        Loop([runner, rebuild], Stop(), once=True).follow()
    lasting = Loop([runner, rebuild], Stop(), once=False)
    assert not lasting._each(lasting._step)
    assert [turn.reason for turn in lasting._turns] == ["", ""]  # nobody reads it, and each would cost statements
    operator_actions.resume("copy", actor="ben", reason="seen")
    runner.step()
    while rebuild.step() is Step.PROGRESSED:
        pass
    assert live("copy").generation == 2


def test_a_rebuild_by_hand_also_answers_the_request() -> None:
    triggers(2)
    catch_up("copy")
    ask("copy")
    rebuild = rebuild_runner("copy", 10)
    rebuild.begin("copy", actor="ben")
    while not rebuild.switch():
        rebuild.step()
    assert live("copy").rebuild_request is None


def test_a_request_needs_a_projector_and_a_reason_and_is_made_once() -> None:
    triggers(1)
    catch_up("copy")
    with pytest.raises(OperationRefused, match="needs a reason"):
        operator_actions.request_rebuild("copy", actor="ann", reason=" ")
    with pytest.raises(OperationRefused, match="is a process manager"):
        operator_actions.request_rebuild("answers", actor="ann", reason="x")
    ask("copy")
    with pytest.raises(OperationRefused, match="is asked for already"):
        ask("copy")
    assert OperatorAction.objects.count() == 1
