"""The rules of all consumers: order, no missed event, exactly once, errors, skips, pauses and status."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, ClassVar

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg import errors

from eventstore import store
from eventstore.clock import utc_now
from eventstore.consumers import checkpoints, loop, operator_actions, rebuild
from eventstore.consumers import status as monitoring
from eventstore.consumers.checkpoints import register
from eventstore.consumers.definitions import Chunk, ProcessManager
from eventstore.consumers.history import standstill
from eventstore.consumers.loop import Loop, catch_up
from eventstore.consumers.process_manager_runner import process_manager_runner
from eventstore.consumers.projector_runner import projector_runners
from eventstore.consumers.runner import Step
from eventstore.errors import NotCaughtUp, OperationRefused, UnknownConsumer
from eventstore.models import Checkpoint, Generation, LagSample, OperatorAction
from eventstore.records import Context, NewEvent, RecordedEvent
from eventstore.runtime.row_locks import held
from eventstore.runtime.shutdown import Stop
from tests.contracts.events import DayBegan, ParcelRelabelled
from tests.support.consumers.probes import (
    Answers,
    Copy,
    HandlerBroke,
    Row,
    break_at,
    live,
    make_tables,
    mend,
    registered,
    trigger,
    triggers,
    written,
)
from tests.support.consumers.tampering import delete_event, forget_events_after, record_at_another_moment, unguarded
from tests.support.databases import Database, connected_as
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.postgres.roles import OWNER


@pytest.fixture(autouse=True)
def _probes(database: Database) -> Iterator[None]:
    make_tables()
    with registered():
        yield


def append(*events: NewEvent) -> int:
    return store.append(events, Context("tests", "a conversation")).position


def answers() -> Sequence[tuple[int | None, str]]:
    return [(event.causation, event.payload["name"]) for event in store.read_all(types=["ParcelRelabelled"])]


class TestWhereItBegins:
    def test_a_projector_begins_at_the_first_event(self) -> None:
        triggers(3)
        catch_up("copy")
        assert written("copy") == [1, 2, 3]
        assert (live("copy").position, live("copy").registered_position) == (3, 0)

    def test_a_process_manager_begins_at_the_head_and_never_looks_back(self) -> None:
        triggers(3)
        catch_up("answers")
        assert (live("answers").position, live("answers").registered_position, answers()) == (3, 3, [])
        triggers(1)
        catch_up("answers")
        assert answers() == [(4, "4/0")]
        assert live("answers").registered_position == 3

    def test_a_name_that_is_not_in_the_code_is_refused_with_those_that_are(self) -> None:
        with pytest.raises(UnknownConsumer, match=r"no process manager 'copy'; there are: answers, attentive"):
            process_manager_runner("copy")
        with pytest.raises(UnknownConsumer, match=r"no projector 'answers'; there are: base, copy, dependent, tally"):
            projector_runners(["answers"])


class TestAnotherStore:
    def test_a_checkpoint_beyond_the_head_stops_the_consumer(self) -> None:
        triggers(5)
        catch_up("copy")
        forget_events_after(3)
        with pytest.raises(NotCaughtUp, match="copy has seen position 5 .* now there is none: another store"):
            catch_up("copy")
        assert (live("copy").position, live("copy").error_position) == (5, 5)

    def test_a_checkpoint_whose_event_has_changed_stops_the_consumer(self) -> None:
        triggers(5)
        catch_up("copy", "answers")
        record_at_another_moment(store.head().position)
        triggers(5)
        with pytest.raises(NotCaughtUp, match="copy has seen position 5"):
            catch_up("copy")
        assert written("copy") == [1, 2, 3, 4, 5]
        with pytest.raises(NotCaughtUp, match="answers has seen position"):
            catch_up("answers")

    def test_another_store_cannot_be_skipped(self) -> None:
        triggers(5)
        catch_up("copy")
        forget_events_after(3)
        with pytest.raises(NotCaughtUp):
            catch_up("copy")
        with pytest.raises(OperationRefused, match="another store"):
            operator_actions.skip("copy", 5, actor="me", reason="why not")


class TestAHoleInTheLog:
    @pytest.mark.parametrize("name", ["copy", "answers"])
    def test_stops_the_consumer_which_names_both_positions_and_keeps_the_events_before_it(self, name: str) -> None:
        catch_up("answers")
        triggers(9)
        delete_event(5)
        with pytest.raises(NotCaughtUp, match=f"{name} expected position 5 and found 6"):
            catch_up(name)
        assert (live(name).position, live(name).error_position) == (4, 5)
        assert "expected position 5 and found 6" in live(name).error_message
        if name == "copy":
            assert written("copy") == [1, 2, 3, 4]

    def test_it_cannot_be_skipped(self) -> None:
        triggers(9)
        delete_event(5)
        with pytest.raises(NotCaughtUp):
            catch_up("copy")
        with pytest.raises(OperationRefused, match="a hole in the log cannot be skipped"):
            operator_actions.skip("copy", 5, actor="me", reason="why not")


class TestAHandlerThatRaises:
    def test_the_events_before_the_bad_one_are_kept_and_the_row_names_the_bad_one(self) -> None:
        triggers(9)
        break_at("copy", 5)
        with pytest.raises(NotCaughtUp, match="copy stopped at position 5: HandlerBroke: broken at 5"):
            catch_up("copy")
        assert written("copy") == [1, 2, 3, 4]
        stopped = live("copy")
        assert (stopped.position, stopped.error_position, stopped.error_count) == (4, 5, 1)
        assert stopped.error_message == "HandlerBroke: broken at 5"
        assert stopped.error_at is not None

    def test_the_row_counts_the_failures_and_is_cleared_once_the_event_is_handled(self) -> None:
        triggers(9)
        break_at("copy", 5)
        for times in (1, 2, 3):
            with pytest.raises(NotCaughtUp):
                catch_up("copy")
            assert live("copy").error_count == times
        mend()
        catch_up("copy")
        assert written("copy") == list(range(1, 10))
        mended = live("copy")
        assert (mended.error_position, mended.error_message, mended.error_at, mended.error_count) == (None, "", None, 0)

    def test_characters_of_its_message_that_databases_refuse_are_replaced(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("CRITICAL")  # pytest itself cannot report a traceback with a lone surrogate

        def broken(*_args: object) -> None:
            raise ValueError("no \x00 and no \ud800 either")

        monkeypatch.setattr("tests.support.consumers.probes.raise_if_broken", broken)
        triggers(1)
        with pytest.raises(NotCaughtUp, match="copy stopped at position 1: ValueError: no . and no . either"):
            catch_up("copy")
        assert live("copy").error_message == "ValueError: no ? and no ? either"

    def test_its_traceback_is_logged_once_with_the_events_position(self, caplog: pytest.LogCaptureFixture) -> None:
        triggers(9)
        break_at("copy", 5)
        with caplog.at_level("INFO"), pytest.raises(NotCaughtUp):
            catch_up("copy")
        (stopped,) = [record for record in caplog.records if record.message.startswith("consumer stopped")]
        assert stopped.levelname == "ERROR"
        assert stopped.message == "consumer stopped: HandlerBroke: broken at 5"
        assert {"consumer": "copy", "position": 5, "event_type": "ParcelRegistered"}.items() <= vars(stopped).items()
        assert stopped.exc_info is not None
        assert stopped.exc_info[0] is HandlerBroke

    def test_recovery_and_the_actions_of_operators_are_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        triggers(9)
        break_at("copy", 5)
        break_at("copy", 7)
        with pytest.raises(NotCaughtUp):
            catch_up("copy")
        with caplog.at_level("INFO"):
            operator_actions.skip("copy", 5, actor="me", reason="it is bad")
            with pytest.raises(NotCaughtUp):
                catch_up("copy")
            mend()
            catch_up("copy")
        _, action, stopped, recovered = caplog.records
        facts = {"consumer": "copy", "action": "skip", "position": 5, "actor": "me", "reason": "it is bad"}
        assert facts.items() <= vars(action).items()
        assert stopped.message.startswith("consumer stopped")
        assert recovered.message == "consumer recovered"
        assert {"consumer": "copy", "position": 7}.items() <= vars(recovered).items()

    def test_it_stops_no_other_consumer(self) -> None:
        triggers(9)
        break_at("copy", 5)
        with pytest.raises(NotCaughtUp, match="^copy stopped at position 5: HandlerBroke: broken at 5$"):
            catch_up("copy", "tally", "base")
        assert (written("tally"), written("base")) == (list(range(1, 10)), list(range(1, 10)))

    def test_a_process_manager_that_raises_has_appended_nothing_for_the_event(self) -> None:
        catch_up("answers")
        triggers(3)
        break_at("answers", 2)
        with pytest.raises(NotCaughtUp, match="answers stopped at position 2"):
            catch_up("answers")
        assert answers() == [(1, "1/0")]
        mend()
        catch_up("answers")
        assert answers() == [(1, "1/0"), (2, "2/0"), (3, "3/0")]

    def test_only_the_event_at_which_it_stopped_may_be_skipped_and_the_reason_is_recorded(self) -> None:
        triggers(9)
        break_at("copy", 5)
        break_at("copy", 7)
        with pytest.raises(NotCaughtUp):
            catch_up("copy")
        for position in (4, 6, 7):
            with pytest.raises(OperationRefused, match="copy stopped at position 5, and only that can be skipped"):
                operator_actions.skip("copy", position, actor="me", reason="it is bad")
        with pytest.raises(OperationRefused, match="reason"):
            operator_actions.skip("copy", 5, actor="me", reason=" ")
        operator_actions.skip("copy", 5, actor="me", reason="it is bad")
        with pytest.raises(NotCaughtUp, match="copy stopped at position 7"):
            catch_up("copy")
        assert written("copy") == [1, 2, 3, 4, 6]
        kept = OperatorAction.objects.get()
        assert (kept.consumer, kept.action, kept.position, kept.actor, kept.reason) == (
            "copy",
            "skip",
            5,
            "me",
            "it is bad",
        )

    def test_a_consumer_that_is_not_stopped_cannot_skip(self) -> None:
        triggers(3)
        catch_up("copy")
        with pytest.raises(OperationRefused, match="copy is not stopped: there is nothing to skip"):
            operator_actions.skip("copy", 3, actor="me", reason="why not")
        assert not OperatorAction.objects.exists()

    def test_a_copy_that_read_the_row_before_the_failure_does_not_handle_the_skipped_event(self) -> None:
        triggers(2)
        standby = projector_runners(["copy"], 1)[0]
        assert standby.step() is Step.PROGRESSED
        break_at("copy", 2)
        with pytest.raises(NotCaughtUp):
            catch_up("copy")
        operator_actions.skip("copy", 2, actor="me", reason="it is bad")
        mend()
        while standby.step() is Step.PROGRESSED:
            pass
        assert (written("copy"), live("copy").position) == ([1], 2)

    def test_a_copy_that_read_the_row_between_failure_and_skip_does_not_handle_the_skipped_event(self) -> None:
        triggers(2)
        break_at("copy", 2)
        with pytest.raises(NotCaughtUp):
            catch_up("copy")
        standby = projector_runners(["copy"])[0]
        standby.load()
        standby.cursor.load_skips()
        operator_actions.skip("copy", 2, actor="me", reason="it is bad")
        mend()
        while standby.step() is Step.PROGRESSED:
            pass
        assert (written("copy"), live("copy").position) == ([1], 2)

    def test_a_skip_clears_the_progress_of_a_process_manager(self) -> None:
        catch_up("answers")
        append(trigger(5), trigger(1))
        consumer = process_manager_runner("answers")
        consumer.step()
        assert live("answers").progress == {"done": 2}
        break_at("answers", 1)
        with pytest.raises(NotCaughtUp):
            catch_up("answers")
        operator_actions.skip("answers", 1, actor="me", reason="enough of it")
        catch_up("answers")
        assert answers() == [(1, "1/0"), (1, "1/1"), (2, "2/0")]
        assert live("answers").progress is None


class TestPausing:
    @pytest.mark.parametrize("name", ["copy", "answers"])
    def test_a_paused_consumer_does_nothing_until_it_is_resumed(self, name: str) -> None:
        catch_up("copy", "answers")
        triggers(1)
        operator_actions.pause(name, actor="me", reason="to look at it")
        paused = (
            f"{name} is paused by me: to look at it, since .* UTC; to let it go on: manage.py consumers resume {name}"
        )
        with pytest.raises(NotCaughtUp, match=f"^{paused}$"):
            catch_up(name)
        assert live(name).position == 0
        operator_actions.resume(name, actor="me")
        catch_up(name)
        assert live(name).position >= 1
        kept = [(one.action, one.actor, one.reason) for one in OperatorAction.objects.order_by("id")]
        assert kept == [("pause", "me", "to look at it"), ("resume", "me", "")]

    def test_it_takes_effect_between_the_chunks_of_one_event(self) -> None:
        catch_up("answers")
        append(trigger(6))
        consumer = process_manager_runner("answers")
        assert consumer.step() is Step.PROGRESSED
        operator_actions.pause("answers", actor="me")
        assert consumer.step() is Step.PAUSED
        assert len(answers()) == 2
        operator_actions.resume("answers", actor="me")
        catch_up("answers")
        assert [name for _, name in answers()] == [f"1/{number}" for number in range(6)]

    def test_an_action_that_does_not_fit_the_state_is_refused_and_not_recorded(self) -> None:
        with pytest.raises(UnknownConsumer, match="no consumer 'nobody'; there are: answers, attentive, base, copy"):
            operator_actions.pause("nobody", actor="me")
        with pytest.raises(OperationRefused, match="copy is neither paused nor stopped"):
            operator_actions.resume("copy", actor="me")
        operator_actions.pause("copy", actor="me")
        with pytest.raises(OperationRefused, match="copy is paused already: paused by me"):
            operator_actions.pause("copy", actor="me")
        assert OperatorAction.objects.count() == 1


class TestTwoCopies:
    def test_a_late_copy_cannot_write(self) -> None:
        triggers(4)
        late, quick = projector_runners(["copy"], 2)[0], projector_runners(["copy"], 2)[0]
        assert late.step() is Step.PROGRESSED
        for _ in range(3):
            quick.step()
        while late.step() is Step.PROGRESSED:
            pass
        assert written("copy") == [1, 2, 3, 4]

    def test_a_late_copy_of_a_process_manager_cannot_append(self) -> None:
        catch_up("answers")
        append(trigger(5))
        late, quick = process_manager_runner("answers"), process_manager_runner("answers")
        assert late.step() is Step.PROGRESSED
        assert quick.step() is Step.PROGRESSED
        assert len(answers()) == 4
        assert late.step() is Step.PROGRESSED  # it has found that it is late, and read the row again
        assert len(answers()) == 4
        for copy in (late, quick, late, quick, late):
            copy.step()
        catch_up("answers")
        assert [name for _, name in answers()] == [f"1/{number}" for number in range(5)]


class TestAConflict:
    """A process manager may expect versions; a conflict makes it decide again."""

    class Racing(ProcessManager):
        name = "racing"
        types: ClassVar[tuple[str, ...]] = ("ParcelRegistered",)

        def __init__(self, conflicts: int) -> None:
            self.conflicts, self.tried, self.locked = conflicts, 0, list[bool]()

        def react(self, event: RecordedEvent, progress: Any | None, limit: int) -> Chunk:
            self.tried += 1
            self.locked.append(_holds_the_append_lock())
            version = 99 if self.tried <= self.conflicts else 1
            return Chunk([NewEvent(event.stream_id, ParcelRelabelled("once"))], expected={event.stream_id: version})

    def _run(self, conflicts: int) -> Racing:
        racing = self.Racing(conflicts)
        with registered(racing):
            catch_up("racing")
            triggers(1)
            try:
                catch_up("racing")
            except NotCaughtUp as error:
                assert "racing stopped at position 1: WrongExpectedVersion" in str(error)  # noqa: PT017 - some do
        return racing

    def test_is_decided_again_and_finally_under_the_append_lock(self) -> None:
        racing = self._run(settings.COMMAND_MAX_ATTEMPTS - 1)
        assert answers() == [(1, "once")]
        if connection.vendor == "postgresql":
            assert racing.locked == [False] * (settings.COMMAND_MAX_ATTEMPTS - 1) + [True]

    def test_is_an_error_if_even_the_append_lock_does_not_help(self) -> None:
        assert self._run(99).tried == settings.COMMAND_MAX_ATTEMPTS
        assert (answers(), live("racing").error_position) == ([], 1)


def _holds_the_append_lock() -> bool:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return False
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        return bool(cursor.fetchone()[0])


class TestBatches:
    def test_a_transaction_has_at_most_a_batch_and_the_batch_moves_the_checkpoint_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("eventstore.consumers.batch_size.TARGET_SECONDS", PATIENCE_S)
        triggers(10)
        consumer = projector_runners(["copy"], 4)[0]
        seen = []
        while consumer.step() is Step.PROGRESSED:
            seen.append(live("copy").position)
        assert seen == [4, 8, 10]

    def test_events_that_a_process_manager_does_not_answer_are_passed_over_together(self) -> None:
        catch_up("answers")
        append(trigger(2), trigger(2))
        catch_up("answers")
        consumer = process_manager_runner("answers")
        assert live("answers").position == store.head().position
        assert consumer.step() is Step.IDLE

    def test_emitted_events_name_their_cause_and_keep_its_conversation(self) -> None:
        catch_up("answers")
        triggers(1)
        catch_up("answers")
        (answer,) = store.read_all(types=["ParcelRelabelled"])
        assert (answer.causation, answer.correlation_id, answer.actor) == (1, "a conversation", "answers")


class TestDependents:
    def test_a_dependent_sees_the_other_members_exactly_as_they_are_at_its_event(self) -> None:
        expected = _with_days((3, 1, 0, 5))
        catch_up("dependent")
        seen = Row.objects.filter(name="dependent").order_by("id").values_list("position", "detail")
        assert [(position, int(detail)) for position, detail in seen] == expected

    def test_naming_one_member_runs_and_pauses_the_whole_group(self) -> None:
        triggers(2)
        catch_up("base")
        assert live("dependent").position == 2
        operator_actions.pause("dependent", actor="me")
        with pytest.raises(
            NotCaughtUp,
            match="base, dependent is paused by me, since .* UTC; to let it go on: manage.py consumers resume base$",
        ):
            catch_up("base")

    def test_a_skip_concerns_the_member_that_raised(self) -> None:
        _with_days((2, 1))
        triggers(2)
        break_at("dependent", 3)
        with pytest.raises(NotCaughtUp, match="dependent stopped at position 3"):
            catch_up("base")
        assert standstill("dependent").startswith("stopped at position 3: ")
        assert standstill("base").startswith("stopped with dependent at position 3: ")
        assert standstill("base").endswith("; look at manage.py consumers")
        assert (live("base").position, live("base").error_position) == (2, None)
        assert live("dependent").error_position == 3
        with pytest.raises(OperationRefused, match="base is not stopped"):
            operator_actions.skip("base", 3, actor="me", reason="it is bad")
        operator_actions.skip("dependent", 3, actor="me", reason="it is bad")
        catch_up("base")
        assert (written("dependent"), written("base")) == ([5], [1, 2, 4, 6, 7])

    def test_a_process_manager_finds_its_projectors_at_its_event_or_beyond(self) -> None:
        catch_up("attentive")
        triggers(3)
        catch_up("attentive")
        assert answers() == [(1, "saw 1"), (2, "saw 2"), (3, "saw 3")]
        assert written("copy")[:3] == [1, 2, 3]

    def test_a_process_manager_waits_for_a_projector_that_is_paused_and_says_so(self) -> None:
        catch_up("attentive")
        triggers(1)
        operator_actions.pause("copy", actor="me")
        paused = (
            "attentive is waiting for copy, which is paused by me, since .*; to let it go on: .* consumers resume copy"
        )
        with pytest.raises(NotCaughtUp, match=f"^{paused}$"):
            catch_up("attentive")
        assert (live("attentive").waiting_for, answers(), written("copy")) == ("copy", [], [])
        (status,) = [one for one in monitoring.statuses() if one.name == "attentive"]
        assert (status.state, status.waiting_for) == ("waiting", "copy")
        operator_actions.resume("copy", actor="me")
        catch_up("attentive")
        assert (live("attentive").waiting_for, answers()) == ("", [(1, "saw 1")])

    def test_a_pause_takes_effect_while_it_advances_a_projector(self) -> None:
        triggers(9)
        register("attentive")
        triggers(1)
        attentive = process_manager_runner("attentive", 2)
        while not written("copy"):
            attentive.step()
        operator_actions.pause("attentive", actor="me")
        assert attentive.step() is Step.PAUSED
        assert written("copy") == [1, 2]

    def test_a_projector_that_is_further_in_another_store_does_not_count_as_ready(self) -> None:
        catch_up("attentive")
        triggers(5)
        catch_up("copy")
        forget_events_after(0)
        triggers(1)
        for _ in range(2):
            with pytest.raises(NotCaughtUp, match="attentive is waiting for copy"):
                catch_up("attentive")
        assert "another store" in live("copy").error_message
        assert answers() == []

    def test_an_error_while_a_projector_is_advanced_belongs_to_the_projectors_row(self) -> None:
        catch_up("attentive")
        triggers(2)
        break_at("copy", 2)
        with pytest.raises(NotCaughtUp, match="attentive is waiting for copy"):
            catch_up("attentive")
        assert (live("copy").error_position, live("attentive").error_position) == (2, None)
        assert answers() == [(1, "saw 1")]
        with pytest.raises(NotCaughtUp, match="attentive is waiting for copy"):
            catch_up("attentive")
        assert live("copy").error_count == 1

    def test_a_projector_that_stopped_is_advanced_again_once_it_is_resumed(self) -> None:
        catch_up("attentive")
        triggers(2)
        break_at("copy", 2)
        with pytest.raises(NotCaughtUp):
            catch_up("attentive")
        mend()
        operator_actions.resume("copy", actor="me")
        assert (live("copy").error_position, live("copy").error_message) == (None, "")
        catch_up("attentive")
        assert answers() == [(1, "saw 1"), (2, "saw 2")]

    def test_a_dependent_that_is_new_in_the_code_asks_for_a_rebuild_of_its_group(self) -> None:
        triggers(2)
        catch_up("base")
        Checkpoint.objects.filter(name="dependent").delete()
        with pytest.raises(
            NotCaughtUp, match="dependent is not where base is.*run manage.py rebuild_projector dependent"
        ):
            catch_up("base")


def _with_days(before: Sequence[int]) -> list[tuple[int, int]]:
    """Append so many triggers before each of some DayBegan, and return where those are and what came before."""
    found, base = [], 0
    for day, number in enumerate(before, start=1):
        base += number
        began = NewEvent("calendar", DayBegan(date(2026, 1, day)))
        found.append((append(*(trigger() for _ in range(number)), began), base))
    return found


class TestSeeingThem:
    def test_every_consumer_of_the_code_is_listed_with_its_lag(self) -> None:
        triggers(3)
        catch_up("copy", "answers")
        triggers(2)
        last = store.head().recorded_at
        assert last is not None
        wait_until(lambda: utc_now() - last > timedelta(milliseconds=1))  # a lag is rounded to milliseconds
        found = {status.name: status for status in monitoring.statuses()}
        assert set(found) == {"answers", "attentive", "base", "copy", "dependent", "tally"}
        copy = found["copy"]
        assert (copy.kind, copy.state, copy.position, copy.head, copy.lag_events) == ("projector", "running", 3, 5, 2)
        assert copy.lag_seconds > 0
        assert copy.last_seen is not None
        assert (found["tally"].state, found["tally"].lag_events, found["tally"].last_seen) == ("stopped", 5, None)

    def test_the_json_of_a_status_has_exactly_these_fields(self) -> None:
        triggers(2)
        break_at("copy", 2)
        with pytest.raises(NotCaughtUp):
            catch_up("copy")
        (status,) = [one for one in monitoring.statuses() if one.name == "copy"]
        fields = status.as_json()
        assert list(fields) == [
            "name", "kind", "state", "position", "head", "lag_events", "lag_seconds", "rate", "last_seen", "error",
        ]  # fmt: skip
        assert fields["state"] == "stopped"
        assert {key: fields["error"][key] for key in ("position", "message", "count")} == {
            "position": 2,
            "message": "HandlerBroke: broken at 2",
            "count": 1,
        }

    def test_a_consumer_not_seen_for_more_than_a_minute_counts_as_stopped(self) -> None:
        catch_up("copy")
        seen = {status.name: status for status in monitoring.statuses()}["copy"]
        assert (seen.state, seen.rate) == ("running", 0.0)
        Checkpoint.objects.filter(name="copy").update(last_seen=utc_now() - timedelta(seconds=61))
        seen = {status.name: status for status in monitoring.statuses()}["copy"]
        assert (seen.state, seen.rate, seen.error) == ("stopped", None, None)

    def test_a_consumer_that_works_within_a_long_transaction_counts_as_running(self, database: Database) -> None:
        catch_up("copy", "tally")
        Checkpoint.objects.update(last_seen=utc_now() - timedelta(seconds=61))
        if connection.vendor == "sqlite":  # it has no locks of rows
            assert held(Checkpoint, ["copy"]) == frozenset()
            return
        with psycopg.connect(database.url) as working:
            working.execute("SELECT 1 FROM eventstore_checkpoint WHERE name = 'copy' FOR UPDATE")
            found = {status.name: status.state for status in monitoring.statuses()}
            assert (found["copy"], found["tally"]) == ("running", "stopped")
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
                assert held(Checkpoint, ["copy"]) == frozenset()
            working.execute("ROLLBACK")
            working.execute("SELECT 1 FROM eventstore_checkpoint FOR SHARE")  # as somebody else does who looks
            assert {status.state for status in monitoring.statuses()} == {"stopped"}

    def test_one_sample_of_the_lag_is_kept_per_minute_for_a_day(self) -> None:
        triggers(2)
        old = utc_now() - timedelta(days=1, minutes=2)
        LagSample.objects.create(name="copy", minute=old, lag_events=1, lag_seconds=1)
        catch_up("copy")
        catch_up("copy")
        (kept,) = LagSample.objects.all()
        assert (kept.name, kept.lag_events, kept.lag_seconds) == ("copy", 0, 0)

    def test_each_minute_has_a_sample_however_the_steps_fall(self, monkeypatch: pytest.MonkeyPatch) -> None:
        register("copy")
        began, passed = utc_now().replace(second=0, microsecond=0), 0.0
        monkeypatch.setattr(monitoring, "time", SimpleNamespace(monotonic=lambda: passed))
        monkeypatch.setattr(monitoring, "database_now", lambda _using: began + timedelta(seconds=passed))
        heartbeat = monitoring.Heartbeat(["copy"], "default")
        while passed < 30 * 60:
            heartbeat.beat(0)
            passed += 0.9
        kept = LagSample.objects.order_by("minute").values_list("minute", flat=True)
        assert list(kept) == [began + timedelta(minutes=number) for number in range(30)]

    def test_a_sample_asks_the_log_without_a_lock_and_after_the_consumer_was_seen(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        register("copy")
        heartbeat = monitoring.Heartbeat(["copy"], "default")

        def away() -> None:
            assert not connection.in_atomic_block
            raise OperationalError

        with monkeypatch.context() as outage:
            outage.setattr(store, "head", away)
            with pytest.raises(OperationalError):
                heartbeat.beat(0)
        assert Checkpoint.objects.get(name="copy").last_seen is not None
        assert not LagSample.objects.exists()
        later = time.monotonic() + 10
        monkeypatch.setattr(monitoring, "time", SimpleNamespace(monotonic=lambda: later))
        heartbeat.beat(0)
        assert LagSample.objects.count() == 1


def test_several_groups_are_driven_in_turn_by_one_loop() -> None:
    triggers(6)
    Loop(projector_runners([], 2), Stop(), once=True).follow()
    assert written("base") == written("copy") == written("tally") == [1, 2, 3, 4, 5, 6]


def test_the_progress_of_catching_up_counts_the_events_of_all_consumers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_SHOW_EVERY_S", 0)
    triggers(6)
    shown: list[tuple[int, int]] = []
    once = Loop(projector_runners(["copy", "tally"], 2), Stop(), once=True, show=lambda *at: shown.append(at))
    once.follow()
    assert shown == sorted(shown)
    assert (shown[0], shown[-1]) == ((2, 12), (12, 12))


def test_catching_up_brings_process_managers_and_projectors_to_the_head() -> None:
    register("answers")
    store.append([NewEvent("calendar", DayBegan(date(2026, 1, 1)))], Context("tests", "a conversation"))
    append(trigger(5))
    catch_up("copy")
    catch_up("answers", "copy")
    assert live("copy").position == live("answers").position == store.head().position == 7


def test_an_error_at_the_commit_is_the_handlers_error() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite checks nothing at the commit but foreign keys")
    triggers(2)
    with connected_as(OWNER), closing(connection.cursor()) as cursor, transaction.atomic():
        cursor.execute(
            "ALTER TABLE probe_row ADD CONSTRAINT late UNIQUE (generation, name) DEFERRABLE INITIALLY DEFERRED"
        )
    with pytest.raises(NotCaughtUp, match="copy stopped at position 2: IntegrityError"):
        catch_up("copy")
    assert written("copy") == [1]


class TestAnEventOfNewerCode:
    def _change(self, position: int, column: str, value: str) -> None:
        with unguarded() as cursor:
            cursor.execute(f"UPDATE eventstore_event SET {column} = {value} WHERE position = %s", [position])

    @pytest.mark.parametrize("name", ["copy", "dependent", "answers"])
    @pytest.mark.parametrize(
        ("column", "value", "message"),
        [
            ("type", "'ParcelLost'", "ParcelLost of schema version 1 at position 5 .* does not know the type"),
            ("schema_version", "2", "ParcelRegistered of schema version 2 at position 5 .* up to schema version 1"),
        ],
    )
    def test_stops_every_consumer_also_one_that_does_not_handle_it(
        self, name: str, column: str, value: str, message: str
    ) -> None:
        register("answers")
        triggers(9)
        self._change(5, column, value)
        with pytest.raises(NotCaughtUp, match=message):
            catch_up(name)
        assert (live(name).position, live(name).error_position) == (4, 5)
        self._change(5, column, {"type": "'ParcelRegistered'", "schema_version": "1"}[column])
        catch_up(name)
        assert (live(name).position, live(name).error_position) == (store.head().position, None)

    def test_may_be_skipped_by_all_members_of_a_group(self) -> None:
        triggers(3)
        self._change(2, "type", "'ParcelLost'")
        for name in ("base", "dependent"):
            with pytest.raises(NotCaughtUp, match="base, dependent stopped at position 2: ParcelLost"):
                catch_up("base")
            operator_actions.skip(name, 2, actor="me", reason="it is never to be handled")
        catch_up("base")
        assert (written("base"), live("dependent").position) == ([1, 3], 3)


class TestAnOutageInAHandler:
    """Only an outage of the consumer's own connection is waited for; everything else is the handler's error."""

    @staticmethod
    def _lost() -> Exception:
        if connection.vendor == "postgresql":
            return errors.AdminShutdown("terminating connection due to administrator command")
        locked = sqlite3.OperationalError("database is locked")
        locked.sqlite_errorcode = sqlite3.SQLITE_BUSY
        return locked

    def _lose_own_connection(self) -> None:
        with connection.wrap_database_errors:
            raise self._lost()

    def _break(self, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None], times: int = 1_000) -> list[int]:
        """Let `act` run at position 3, so many times; return the positions at which a handler began."""
        begun: list[int] = []

        def raise_if_broken(_name: str, position: int, _using: str) -> None:
            begun.append(position)
            if position == 3 and begun.count(3) <= times:
                act()

        monkeypatch.setattr("tests.support.consumers.probes.raise_if_broken", raise_if_broken)
        return begun

    @pytest.mark.parametrize("name", ["copy", "answers"])
    def test_is_waited_for(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        catch_up("answers")
        triggers(4)
        self._break(monkeypatch, self._lose_own_connection, times=2)
        catch_up(name)
        assert live(name).error_count == 0
        assert len(written("copy") if name == "copy" else answers()) == 4

    @pytest.mark.parametrize("name", ["copy", "answers"])
    def test_becomes_an_error_if_it_repeats_at_one_position(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        catch_up("answers")
        triggers(4)
        begun = self._break(monkeypatch, self._lose_own_connection)
        with pytest.raises(NotCaughtUp, match=f"{name} stopped at position 3: .*lost . times, at last after"):
            catch_up(name)
        assert (live(name).position, live(name).error_position, live(name).error_count) == (2, 3, 1)
        assert begun.count(3) <= 6
        assert len(written("copy") if name == "copy" else answers()) == 2

    @pytest.mark.parametrize("name", ["copy", "answers"])
    def test_is_the_handlers_error_if_the_handler_raises_another_while_it_handles_it(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def act() -> None:
            try:
                self._lose_own_connection()
            except OperationalError:
                raise ValueError("a bug")  # noqa: B904 - not raised from the outage

        catch_up("answers")
        triggers(4)
        self._break(monkeypatch, act)
        with pytest.raises(NotCaughtUp, match=f"^{name} stopped at position 3: ValueError: a bug$"):
            catch_up(name)

    @pytest.mark.parametrize("name", ["copy", "answers"])
    def test_is_the_handlers_error_if_the_connection_is_the_handlers_own(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def act() -> None:
            if connection.vendor == "postgresql":
                psycopg.connect("host=/nowhere", connect_timeout=1)
            else:  # waits for the lock that the consumer's own transaction holds
                with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0)) as other:
                    other.execute("BEGIN IMMEDIATE")

        catch_up("answers")
        triggers(4)
        self._break(monkeypatch, act)
        with pytest.raises(NotCaughtUp, match=f"^{name} stopped at position 3: OperationalError: "):
            catch_up(name)
        assert live(name).error_count == 1


class TestAStoreThatWentBack:
    """A standby that lagged was promoted: log and checkpoints agree, and events that a process has seen are gone."""

    def _promote_standby_at(self, position: int, *names: str) -> None:
        moment = store.read_event(position)
        assert moment is not None
        forget_events_after(position)
        Checkpoint.objects.filter(name__in=names).update(position=position, recorded_at=moment.recorded_at)
        Generation.objects.filter(projector__in=names).update(position=position)
        Row.objects.filter(position__gt=position).delete()

    @pytest.mark.parametrize("name", ["copy", "answers"])
    def test_stops_a_process_that_remembers_more_and_its_row_names_both_positions(
        self, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        register("answers")
        append(trigger(0), trigger(0), trigger(0), trigger(0), trigger(0))
        running = process_manager_runner(name) if name == "answers" else projector_runners([name])[0]
        while running.step() is not Step.IDLE:
            pass
        self._promote_standby_at(3, name)
        assert running.step() is Step.STOPPED
        message = f"{name} had handled position 5, and its checkpoint is now at 3"
        assert live(name).error_message.startswith(message)
        assert any(record.levelname == "ERROR" and message in record.getMessage() for record in caplog.records)
        for _ in range(2):  # also for processes that remember nothing, until an operator knows
            append(trigger(0))
            with pytest.raises(NotCaughtUp, match=message):
                catch_up(name)
        operator_actions.resume(name, actor="me", reason="compared with the backup")
        while running.step() is not Step.IDLE:
            pass
        catch_up(name)
        assert (live(name).position, live(name).error_message, live(name).went_back_from) == (5, "", None)
        if name == "copy":
            assert written("copy") == [1, 2, 3, 4, 5]


class TestCheckpointAndRows:
    def test_a_checkpoint_that_a_release_before_moved_after_the_migration_is_adopted(self) -> None:
        triggers(5)
        catch_up("copy")
        # The migration describes a generation without its position: a process of the release before moves on alone.
        Generation.objects.filter(projector="copy").update(position=None)
        triggers(3)
        catch_up("copy")
        assert written("copy") == list(range(1, live("copy").position + 1))
        assert Generation.objects.get(projector="copy").position == live("copy").position

    def test_a_projector_whose_checkpoint_was_deleted_begins_on_an_unused_generation(self) -> None:
        triggers(3)
        catch_up("copy")
        Checkpoint.objects.filter(name="copy").delete()
        catch_up("copy")
        assert (live("copy").position, live("copy").generation) == (3, 2)
        assert written("copy", 2) == [1, 2, 3]

    def test_a_renamed_projector_begins_on_a_generation_that_its_tables_do_not_use(self) -> None:
        triggers(3)
        catch_up("copy")

        class Renamed(Copy):
            name = "renamed"

        with registered(Renamed()):
            catch_up("renamed")
        assert (live("renamed").position, live("renamed").generation) == (3, 2)

    def test_a_checkpoint_that_was_moved_by_hand_stops_the_projector(self) -> None:
        triggers(3)
        catch_up("copy")
        Checkpoint.objects.filter(name="copy").update(position=0, recorded_at=None)
        with pytest.raises(
            NotCaughtUp, match="copy is at position 0, but its rows of generation 1 are at position 3: run"
        ):
            catch_up("copy")
        assert written("copy") == [1, 2, 3]
        triggers(1)
        with pytest.raises(NotCaughtUp, match="manage.py rebuild_projector copy"):
            catch_up("copy")

    def test_tables_that_were_emptied_stop_the_projector_at_its_start(self) -> None:
        triggers(3)
        catch_up("base")
        Row.objects.filter(name="base").delete()
        with pytest.raises(NotCaughtUp, match="base is at position 3, but its table probe_row has lost its rows"):
            catch_up("base")
        assert rebuild.run(_begun("base"), Stop(), lambda *_: None, lambda _: None)
        catch_up("base")
        assert (live("base").error_message, written("base", 2)) == ("", [1, 2, 3])

    def test_an_empty_table_that_never_had_rows_is_no_fault(self) -> None:
        triggers(3)
        catch_up("dependent")
        catch_up("dependent")
        assert live("dependent").position == 3


def _begun(name: str) -> rebuild.RebuildRunner:
    runner = rebuild.rebuild_runner(name)
    runner.begin(name, actor="me")
    return runner


class TestAConsumerWhoseCodeIsGone:
    @pytest.fixture(autouse=True)
    def _gone(self) -> None:
        class Former(Copy):
            name = "former"

        class FormerManager(Answers):
            name = "former_manager"

        triggers(2)
        with registered(Former(), FormerManager()):
            catch_up("former", "former_manager")

    def test_is_listed_as_gone(self) -> None:
        found = {status.name: status for status in monitoring.statuses()}
        assert [(found[name].state, found[name].position) for name in ("former", "former_manager")] == [("gone", 2)] * 2

    def test_is_retired_by_an_operator_with_a_reason_that_is_recorded(self) -> None:
        for name in ("former", "former_manager"):
            with pytest.raises(OperationRefused, match="reason"):
                operator_actions.retire(name, actor="me", reason=" ")
            operator_actions.retire(name, actor="me", reason="replaced")
        assert not Checkpoint.objects.filter(name__startswith="former").exists()
        assert {status.state for status in monitoring.statuses()} == {"stopped"}
        kept = OperatorAction.objects.filter(action="retire").values_list("consumer", "position", "reason")
        assert sorted(kept) == [("former", 2, "replaced"), ("former_manager", 2, "replaced")]

    def test_a_consumer_of_the_code_and_an_unknown_name_are_not_retired(self) -> None:
        with pytest.raises(OperationRefused, match="copy is in the code"):
            operator_actions.retire("copy", actor="me", reason="x")
        with pytest.raises(OperationRefused, match="no consumer 'nobody' to retire"):
            operator_actions.retire("nobody", actor="me", reason="x")


def test_a_machine_whose_clock_is_an_hour_slow_does_not_make_its_consumers_look_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    triggers(1)
    with monkeypatch.context() as slow:
        slow.setattr(checkpoints, "utc_now", lambda: utc_now() - timedelta(hours=1))
        catch_up("copy", "tally", "base")
    states = {status.name: status.state for status in monitoring.statuses()}
    assert [states[name] for name in ("copy", "tally", "base", "dependent")] == ["running"] * 4
