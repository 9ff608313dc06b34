"""Any appends, repeats, rollbacks and reads in any order give what a list of events would."""

from collections.abc import Mapping
from typing import Any, Final

import hypothesis
import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from eventstore import store
from eventstore.errors import IdempotencyKeyReused, WrongExpectedVersion
from eventstore.records import ANY, IdempotencyKey, NewEvent, RecordedEvent
from tests.contracts.events import CONTEXT, parcel, registered, weighed
from tests.support.databases import Database
from tests.support.rounds import rounds

STREAMS: Final = 3
_numbers = st.integers(0, STREAMS - 1)
_written = st.lists(st.tuples(_numbers, st.booleans()), min_size=1, max_size=4)
_guesses = st.dictionaries(_numbers, st.sampled_from(["right", "wrong", "any"]), max_size=STREAMS)


class Store(RuleBasedStateMachine):
    """Compares the log with a list; each run has streams of its own above all earlier events."""

    @initialize()
    def begin(self) -> None:
        """Begin with new streams."""
        self.base = store.head().position
        self.streams = [parcel() for _ in range(STREAMS)]
        self.events: list[RecordedEvent] = []
        self.keys: dict[str, tuple[str, tuple[RecordedEvent, ...]]] = {}

    @rule(written=_written, guesses=_guesses, rolled_back=st.booleans())
    def append(self, written: list[tuple[int, bool]], guesses: Mapping[int, str], rolled_back: bool) -> None:
        """Append with right, wrong or no expectations; some transactions are rolled back."""
        expected = {self.streams[number]: self._guess(number, guess) for number, guess in guesses.items()}
        wrong = {self.streams[number] for number, guess in guesses.items() if guess == "wrong"}
        with transaction.atomic():
            if wrong:
                with pytest.raises(WrongExpectedVersion) as conflict:
                    store.append(self._new(written), CONTEXT, expected=expected)
                assert conflict.value.stream_id in wrong
                assert conflict.value.actual == self._version(conflict.value.stream_id)
                return
            appended = store.append(self._new(written), CONTEXT, expected=expected)
            self._check(written, appended.events)
            transaction.set_rollback(rolled_back)
        if not rolled_back:
            self.events += appended.events

    @rule(written=_written, key=st.sampled_from("ab"), fingerprint=st.sampled_from("xxy"))
    def append_under_a_key(self, written: list[tuple[int, bool]], key: str, fingerprint: str) -> None:
        """Append under a new key, a repeated one, or one that was used for something else."""
        known, scoped = self.keys.get(key), IdempotencyKey(self.streams[0], key, fingerprint)
        if known is not None and known[0] != fingerprint:
            with pytest.raises(IdempotencyKeyReused):
                store.append(self._new(written), CONTEXT, key=scoped)
            return
        appended = store.append(self._new(written), CONTEXT, key=scoped)
        assert appended.repeated == (known is not None)
        if known is not None:
            assert appended.events == known[1]
            return
        self._check(written, appended.events)
        self.events += appended.events
        self.keys[key] = (fingerprint, appended.events)

    @rule(number=_numbers, after=st.integers(0, 6), up_to=st.integers(0, 12), backwards=st.booleans())
    def read_stream(self, number: int, after: int, up_to: int, backwards: bool) -> None:
        """Read a part of a stream."""
        wanted = [
            event
            for event in self.events
            if event.stream_id == self.streams[number] and event.version > after and event.position <= self.base + up_to
        ]
        found = store.read_stream(
            self.streams[number], after_version=after, up_to=self.base + up_to, backwards=backwards, batch_size=2
        )
        assert list(found) == (wanted[::-1] if backwards else wanted)

    @rule(types=st.sets(st.sampled_from(["ParcelRegistered", "ParcelWeighed"])), limit=st.integers(1, 5))
    def read_types(self, types: set[str], limit: int) -> None:
        """Read the first events of some types."""
        wanted = [event for event in self.events if event.type in types][:limit]
        assert list(store.read_all(after=self.base, types=sorted(types), limit=limit, batch_size=2)) == wanted

    @invariant()
    def the_log_is_the_list(self) -> None:
        """Compare the whole log, the head, the versions and single events."""
        assert list(store.read_all(after=self.base)) == self.events
        assert store.head().position == self.base + len(self.events)
        assert store.versions(self.streams) == {stream: self._version(stream) for stream in self.streams}
        for event in self.events[-2:]:
            assert store.read_event(event.position) == event

    def _new(self, written: list[tuple[int, bool]]) -> list[NewEvent]:
        return [
            registered(self.streams[number]) if is_first else weighed(self.streams[number])
            for number, is_first in written
        ]

    def _guess(self, number: int, guess: str) -> int:
        version = self._version(self.streams[number])
        return {"right": version, "wrong": version + 1, "any": ANY}[guess]

    def _version(self, stream: str) -> int:
        return sum(event.stream_id == stream for event in self.events)

    def _check(self, written: list[tuple[int, bool]], events: tuple[RecordedEvent, ...]) -> None:
        versions = {stream: self._version(stream) for stream in self.streams}
        for place, ((number, is_first), event) in enumerate(zip(written, events, strict=True), start=1):
            stream = self.streams[number]
            versions[stream] += 1
            assert event.position == self.base + len(self.events) + place
            assert (event.stream_id, event.version) == (stream, versions[stream])
            assert event.type == ("ParcelRegistered" if is_first else "ParcelWeighed")


def test_the_store_does_what_a_list_of_events_does(database: Database) -> None:
    assert database.url
    run_state_machine_as_test(Store, settings=_settings())


def _settings() -> Any:
    return hypothesis.settings(max_examples=rounds(25), stateful_step_count=25, deadline=None)
