"""Any appends, runs, breakdowns, pauses, skips and rebuilds in any order: each consumer handles each event once."""

from typing import Any, Final

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from eventstore import store
from eventstore.consumers import operator_actions
from eventstore.consumers.loop import catch_up
from eventstore.consumers.rebuild import delete_garbage, rebuild_runner, run
from eventstore.errors import NotCaughtUp, OperationRefused
from eventstore.models import Checkpoint
from eventstore.records import Context
from eventstore.runtime.shutdown import Stop
from tests.support.consumers.probes import break_at, live, make_tables, mend, registered, trigger, written
from tests.support.databases import Database
from tests.support.rounds import rounds

NAMES: Final = ("answers", "copy", "tally")
TYPES: Final = {
    "answers": ("ParcelRegistered",),
    "copy": ("ParcelRegistered", "ParcelRelabelled"),
    "tally": ("ParcelRegistered", "ParcelRelabelled"),
}
_names = st.sampled_from(NAMES)
_projectors = st.sampled_from(NAMES[1:])


class ConsumersMachine(RuleBasedStateMachine):
    """Knows for each consumer whether it is paused, where it is broken, and what it has skipped."""

    @initialize()
    def begin(self) -> None:
        """Begin with all consumers at the head."""
        catch_up(*NAMES)
        self.began = store.head().position
        self.paused: set[str] = set()
        self.broken: dict[str, int] = {}
        self.skipped: dict[str, set[int]] = {name: set() for name in NAMES}
        self.reached = dict.fromkeys(NAMES, self.began)

    @rule(number=st.integers(1, 3), answers=st.integers(0, 3))
    def append(self, number: int, answers: int) -> None:
        """Append triggers."""
        store.append([trigger(answers) for _ in range(number)], Context("tests", "a machine"))

    @rule(name=_names)
    def run(self, name: str) -> None:
        """Let a consumer run to the head, or to where it is broken."""
        stops, head = self._stops_at(name), store.head().position
        if name in self.paused or stops is not None:
            with pytest.raises(NotCaughtUp):
                catch_up(name)
            if name not in self.paused:
                self.reached[name] = (stops or 0) - 1
            return
        catch_up(name)
        self.reached[name] = store.head().position if name == "answers" else head

    @rule(name=_names)
    def break_down(self, name: str) -> None:
        """Let a consumer fail at the newest event, and let it run so far."""
        if name not in self.broken:
            self.broken[name] = store.append([trigger()], Context("tests", "a machine")).position
            break_at(name, self.broken[name])
            self.run(name)

    @precondition(lambda self: self.broken)
    @rule()
    def mend(self) -> None:
        """Let no consumer fail."""
        mend()
        self.broken.clear()

    @rule(name=_names, off=st.sampled_from([0, 0, 0, 1]))
    def skip(self, name: str, off: int) -> None:
        """Skip the event at which a consumer has stopped, or try to skip another one."""
        stopped_at = live(name).error_position
        if stopped_at is None or off:
            with pytest.raises(OperationRefused):
                operator_actions.skip(name, (stopped_at or 0) + off, actor="tests", reason="it is bad")
            return
        operator_actions.skip(name, stopped_at, actor="tests", reason="it is bad")
        self.skipped[name].add(stopped_at)

    @rule(name=_names)
    def pause_or_resume(self, name: str) -> None:
        """Pause a consumer, or let it go on."""
        if name in self.paused:
            operator_actions.resume(name, actor="tests")
            self.paused.remove(name)
        else:
            operator_actions.pause(name, actor="tests", reason="lunch")
            self.paused.add(name)

    @rule(name=_projectors, retry_skipped=st.booleans())
    def rebuild(self, name: str, retry_skipped: bool) -> None:
        """Rebuild a read model; it may handle what was skipped."""
        if name in self.broken or name in self.paused:
            return
        runner, stop = rebuild_runner(name), Stop()
        runner.begin(name, actor="tests", retry_skipped=retry_skipped)
        assert run(runner, stop, lambda *_: None, lambda _: None)
        delete_garbage(runner.group, stop)
        if retry_skipped:
            self.skipped[name].clear()
        self.reached[name] = store.head().position

    @invariant()
    def each_event_is_handled_once(self) -> None:
        """Compare the checkpoints, the rows and the answers with the log."""
        events = list(store.read_all(after=self.began))
        for name in NAMES:
            assert live(name).position == self.reached[name], name
        for name in NAMES[1:]:
            rows = written(name, live(name).generation)
            expected = [event.position for event in events if self._handled(name, event.position, event.type)]
            assert [position for position in rows if position > self.began] == expected
        answers = [(event.causation, event.payload["name"]) for event in events if event.type == "ParcelRelabelled"]
        assert answers == [
            (event.position, f"{event.position}/{number}")
            for event in events
            if self._handled("answers", event.position, event.type)
            for number in range(int(event.payload["name"]))
        ]

    def teardown(self) -> None:
        """Leave all consumers at the head."""
        mend()
        for name in NAMES:
            if Checkpoint.objects.get(name=name).paused:
                operator_actions.resume(name, actor="tests")
        catch_up(*NAMES)

    def _handled(self, name: str, position: int, kind: str) -> bool:
        return kind in TYPES[name] and position <= self.reached[name] and position not in self.skipped[name]

    def _stops_at(self, name: str) -> int | None:
        broken = self.broken.get(name, 0)
        return broken if broken > self.reached[name] and broken not in self.skipped[name] else None


def test_each_consumer_handles_each_event_once_whatever_operators_do(database: Database) -> None:
    assert database.url
    make_tables()
    with registered():
        run_machine(ConsumersMachine, settings=_settings())


def _settings() -> Any:
    return hypothesis.settings(max_examples=rounds(6), stateful_step_count=30, deadline=None)
