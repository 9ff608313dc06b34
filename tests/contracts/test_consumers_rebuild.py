"""A rebuild makes a new read model beside the old one and switches to it once, completely and never backwards."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from eventstore import store
from eventstore.consumers import operator_actions
from eventstore.consumers.loop import catch_up
from eventstore.consumers.projector_runner import projector_runners
from eventstore.consumers.rebuild import RebuildRunner, delete_garbage, rebuild_runner, run, run_all
from eventstore.consumers.runner import Step
from eventstore.errors import ConsumerStopped, NotCaughtUp, OperationRefused, UnknownConsumer
from eventstore.models import Checkpoint, OperatorAction
from eventstore.records import RecordedEvent
from eventstore.runtime.shutdown import Stop
from tests.support.consumers.probes import (
    Row,
    break_at,
    live,
    make_tables,
    mend,
    registered,
    triggers,
    written,
)
from tests.support.consumers.tampering import forget_events_after, record_at_another_moment
from tests.support.databases import Database


@pytest.fixture(autouse=True)
def _probes(database: Database) -> Iterator[None]:
    make_tables()
    with registered():
        yield


def begun(name: str, *, retry_skipped: bool = False, batch_size: int = 2) -> RebuildRunner:
    rebuild = rebuild_runner(name, batch_size)
    rebuild.begin(name, actor="me", retry_skipped=retry_skipped)
    return rebuild


def finish(rebuild: RebuildRunner) -> bool:
    return run(rebuild, Stop(), lambda *_: None, lambda _: None)


def test_the_old_read_model_answers_until_the_new_one_is_complete() -> None:
    triggers(5)
    catch_up("copy")
    rebuild = begun("copy")
    assert rebuild.step() is Step.PROGRESSED
    assert live("copy").generation == 1
    assert (written("copy", 1), written("copy", 2)) == ([1, 2, 3, 4, 5], [1, 2])
    assert finish(rebuild)
    assert (live("copy").generation, live("copy").position) == (2, 5)
    assert written("copy", 2) == [1, 2, 3, 4, 5]
    assert not Checkpoint.objects.filter(kind="rebuild").exists()


def test_only_generations_below_the_live_one_are_deleted() -> None:
    triggers(3)
    catch_up("copy", "tally")
    rebuild = begun("copy")
    finish(rebuild)
    Row.objects.create(generation=3, name="copy", position=1, detail="of a rebuild after this one")
    delete_garbage(rebuild.group, Stop())
    assert (written("copy", 1), written("copy", 2), written("copy", 3)) == ([], [1, 2, 3], [1])


def test_the_running_projector_goes_on_with_the_new_one() -> None:
    triggers(3)
    runner = projector_runners(["copy"])[0]
    while runner.step() is Step.PROGRESSED:
        pass
    finish(begun("copy"))
    triggers(2)
    while runner.step() is Step.PROGRESSED:
        pass
    assert (written("copy", 1), written("copy", 2)) == ([1, 2, 3], [1, 2, 3, 4, 5])


def test_the_switch_catches_up_with_the_live_row_so_that_no_read_goes_back() -> None:
    triggers(4)
    catch_up("copy")
    rebuild = begun("copy", batch_size=10)
    while rebuild.step() is Step.PROGRESSED:
        pass
    triggers(3)
    catch_up("copy")
    assert rebuild.switch()
    assert (live("copy").generation, live("copy").position) == (2, 7)
    assert written("copy", 2) == list(range(1, 8))


def test_there_is_no_switch_while_the_live_row_is_more_than_one_batch_ahead() -> None:
    triggers(9)
    catch_up("copy")
    rebuild = begun("copy", batch_size=2)
    rebuild.step()
    assert not rebuild.switch()
    assert (live("copy").generation, live("copy").position) == (1, 9)


def test_an_event_that_raises_within_the_switch_stops_the_rebuild_and_is_named() -> None:
    triggers(4)
    rebuild = begun("copy", batch_size=10)
    while rebuild.step() is Step.PROGRESSED:
        pass
    triggers(3)
    catch_up("copy")
    generation = live("copy").generation
    break_at("copy", 6)
    assert not rebuild.switch()
    with pytest.raises(ConsumerStopped, match="copy@rebuild stopped at position 6: HandlerBroke"):
        finish(rebuild)
    assert (live("copy").generation, live("copy").position, live("copy@rebuild").position) == (generation, 7, 5)


def test_an_interrupted_rebuild_continues_where_it_was() -> None:
    triggers(6)
    catch_up("copy")
    begun("copy").step()
    again = rebuild_runner("copy", 2)
    assert not again.begin("copy", actor="me")
    assert finish(again)
    assert written("copy", 2) == [1, 2, 3, 4, 5, 6]
    assert OperatorAction.objects.filter(action="rebuild").count() == 1


def test_the_statements_that_debug_keeps_do_not_grow_with_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    triggers(40)
    monkeypatch.setattr(connection, "force_debug_cursor", True)
    assert finish(begun("copy", batch_size=1))
    assert len(connection.queries_log) < 40


def test_a_second_rebuild_of_the_same_name_joins_the_first() -> None:
    triggers(9)
    catch_up("copy")
    first, second = begun("copy"), begun("copy")
    for _ in range(3):
        first.step()
        second.step()
    assert finish(first)
    assert finish(second)
    assert (live("copy").generation, written("copy", 2)) == (2, list(range(1, 10)))


def test_a_group_is_rebuilt_and_switched_as_a_whole() -> None:
    triggers(3)
    catch_up("base")
    finish(begun("dependent"))
    assert (live("base").generation, live("dependent").generation) == (2, 2)
    assert written("base", 2) == [1, 2, 3]


def test_a_rebuild_makes_a_dependent_that_is_new_in_the_code() -> None:
    triggers(3)
    catch_up("base")
    Checkpoint.objects.filter(name="dependent").delete()
    finish(begun("dependent"))
    catch_up("base")
    assert (live("dependent").position, live("dependent").generation) == (3, live("base").generation)


def test_a_projector_that_never_ran_may_be_rebuilt() -> None:
    triggers(3)
    finish(begun("copy"))
    assert (live("copy").position, live("copy").registered_position) == (3, 0)
    catch_up("copy")
    assert written("copy", live("copy").generation) == [1, 2, 3]


def test_a_process_manager_cannot_be_rebuilt() -> None:
    with pytest.raises(OperationRefused, match="answers is a process manager"):
        rebuild_runner("answers")
    with pytest.raises(UnknownConsumer, match="no projector 'nobody'; there are: base, copy"):
        rebuild_runner("nobody")


def test_the_actor_who_began_it_is_recorded() -> None:
    begun("copy")
    kept = OperatorAction.objects.get()
    assert (kept.consumer, kept.action, kept.actor) == ("copy", "rebuild", "me")


@pytest.fixture
def skipped() -> None:
    triggers(4)
    break_at("copy", 2)
    with pytest.raises(NotCaughtUp):
        catch_up("copy")
    operator_actions.skip("copy", 2, actor="me", reason="it is bad")
    catch_up("copy")


@pytest.mark.usefixtures("skipped")
def test_skipped_events_stay_skipped() -> None:
    mend()
    finish(begun("copy"))
    assert written("copy", 2) == [1, 3, 4]


def test_an_event_skipped_during_the_rebuild_stays_skipped() -> None:
    triggers(6)
    break_at("copy", 5)
    with pytest.raises(NotCaughtUp):
        catch_up("copy")
    rebuild = begun("copy", batch_size=10)
    rebuild.batches.size.limit = 2
    assert rebuild.step() is Step.PROGRESSED
    operator_actions.skip("copy", 5, actor="me", reason="it is bad")
    assert finish(rebuild)
    assert written("copy", 2) == [1, 2, 3, 4, 6]


@pytest.mark.usefixtures("skipped")
def test_skipped_events_are_retried_on_request() -> None:
    mend()
    finish(begun("copy", retry_skipped=True))
    assert written("copy", 2) == [1, 2, 3, 4]


@pytest.mark.usefixtures("skipped")
def test_a_rebuild_that_a_handler_stops_leaves_the_live_row_alone_and_may_skip() -> None:
    rebuild = begun("copy", retry_skipped=True)
    with pytest.raises(ConsumerStopped, match="copy@rebuild stopped at position 2: HandlerBroke"):
        finish(rebuild)
    triggers(1)
    catch_up("copy")
    assert (live("copy").position, live("copy").generation, live("copy").error_position) == (5, 1, None)
    operator_actions.skip("copy@rebuild", 2, actor="me", reason="it is still bad")
    assert finish(rebuild_runner("copy"))
    assert written("copy", 2) == [1, 3, 4, 5]


def test_the_switch_clears_the_error_of_the_live_row() -> None:
    triggers(4)
    break_at("copy", 2)
    with pytest.raises(NotCaughtUp):
        catch_up("copy")
    mend()
    finish(begun("copy"))
    assert (live("copy").position, live("copy").error_position, live("copy").error_count) == (4, None, 0)


def test_a_paused_projector_is_rebuilt_and_stays_paused() -> None:
    triggers(4)
    operator_actions.pause("copy", actor="me")
    finish(begun("copy"))
    assert (live("copy").position, live("copy").paused) == (4, True)


def test_a_read_model_of_another_store_is_replaced() -> None:
    triggers(5)
    catch_up("copy")
    forget_events_after(3)
    finish(begun("copy"))
    assert (live("copy").position, written("copy", 2)) == (3, [1, 2, 3])
    catch_up("copy")


@pytest.mark.usefixtures("skipped")
def test_events_that_a_rebuild_retried_are_not_skipped_by_the_next_one() -> None:
    mend()
    finish(begun("copy", retry_skipped=True))
    triggers(1)
    catch_up("copy")
    finish(begun("copy"))
    assert written("copy", 3) == [1, 2, 3, 4, 5]


@pytest.mark.usefixtures("skipped")
def test_an_event_skipped_after_a_retry_stays_skipped() -> None:
    mend()
    finish(begun("copy", retry_skipped=True))
    triggers(1)
    break_at("copy", 5)
    with pytest.raises(NotCaughtUp):
        catch_up("copy")
    operator_actions.skip("copy", 5, actor="me", reason="it is bad")
    triggers(1)
    catch_up("copy")
    assert written("copy", 2) == [1, 2, 3, 4, 6]
    mend()
    finish(begun("copy"))
    assert written("copy", 3) == [1, 2, 3, 4, 6]


@pytest.mark.usefixtures("skipped")
def test_a_rebuild_that_retries_skips_does_not_join_one_that_does_not() -> None:
    mend()
    begun("copy").step()
    assert finish(begun("copy", retry_skipped=True))
    assert written("copy", live("copy").generation) == [1, 2, 3, 4]


def test_a_rebuild_begun_in_another_store_starts_again() -> None:
    triggers(5)
    catch_up("copy")
    begun("copy", batch_size=4).step()
    forget_events_after(3)
    finish(begun("copy"))
    assert (live("copy").position, written("copy", live("copy").generation)) == (3, [1, 2, 3])


def test_a_rebuild_whose_last_event_has_changed_starts_again() -> None:
    triggers(5)
    begun("copy", batch_size=4).step()
    record_at_another_moment(4)
    finish(begun("copy"))
    assert (live("copy").position, written("copy", live("copy").generation)) == (5, [1, 2, 3, 4, 5])


@pytest.mark.usefixtures("skipped")
def test_skips_of_another_store_do_not_apply() -> None:
    mend()
    forget_events_after(1)
    finish(begun("copy"))
    triggers(3)
    catch_up("copy")
    assert written("copy", 2) == [1, 2, 3, 4]


def test_rebuilds_of_several_groups_read_the_log_once_and_one_that_stops_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    triggers(9)
    catch_up()
    reads: list[int] = []
    read_batch = store.read_batch

    def counted(*, from_position: int, limit: int, up_to: int | None = None) -> list[RecordedEvent]:
        reads.append(from_position)
        return read_batch(from_position=from_position, limit=limit, up_to=up_to)

    monkeypatch.setattr(store, "read_batch", counted)
    break_at("tally", 5)
    rebuilds = [begun(name, batch_size=4) for name in ("copy", "tally", "base")]
    with pytest.raises(NotCaughtUp, match="tally@rebuild stopped at position 5"):
        run_all(rebuilds, Stop(), lambda *_: None, lambda _: None)
    # Whole pages are read once, although three consumers project them; the last page is not kept.
    assert reads.count(1) == reads.count(4) == 1
    assert (live("copy").generation, live("tally").generation, live("base").generation) == (2, 1, 2)
    assert written("copy", 2) == written("base", 2) == list(range(1, 10))
    assert written("tally", 2) == [1, 2, 3, 4]


def test_the_command_rebuilds_all_groups_or_those_that_are_named() -> None:
    triggers(3)
    catch_up()
    call_command("rebuild_projector", "copy", "dependent", "base")
    assert [live(name).generation for name in ("copy", "base", "dependent", "tally")] == [2, 2, 2, 1]
    call_command("rebuild_projector", "--all")
    assert [live(name).generation for name in ("copy", "base", "dependent", "tally")] == [3, 3, 3, 2]
    for wrong in ([], ["copy", "--all"]):
        with pytest.raises(CommandError, match="name the projectors to rebuild, or give --all"):
            call_command("rebuild_projector", *wrong)
