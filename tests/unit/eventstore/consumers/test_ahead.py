"""A chunk that was made ahead is used only for what it was made for."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from eventstore.consumers.catching_up import ahead
from eventstore.consumers.catching_up.ahead import Ahead
from eventstore.consumers.definitions import Chunk
from eventstore.records import RecordedEvent


def event(position: int) -> RecordedEvent:
    return RecordedEvent(position, "a", 1, "A", 1, "{}", "", "", None, "{}", datetime(2026, 1, 1, tzinfo=UTC))


def react(_event: RecordedEvent, progress: Any | None, limit: int) -> Chunk:
    if progress == "bad":
        message = "a handler's fault"
        raise ValueError(message)
    return Chunk([], {"after": progress, "limit": limit, "thread": threading.current_thread().name})


@pytest.fixture
def working(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ahead]:
    """Return one that works ahead also for a single thing."""
    monkeypatch.setattr(ahead, "WORTH_A_THREAD", 1)
    one = Ahead(react)
    yield one
    one.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]


def test_it_is_made_in_a_thread_and_used_once(working: Ahead) -> None:
    working.begin(event(1), "here", 7)
    assert working.take(event(1), "here", 9) == (Chunk([], {"after": "here", "limit": 7, "thread": "ahead_0"}), 7)
    assert working.take(event(1), "here", 9) is None


@pytest.mark.parametrize(
    ("position", "progress", "limit"),
    [
        pytest.param(2, "here", 7, id="another event"),
        pytest.param(1, "there", 7, id="another progress"),
        pytest.param(1, None, 7, id="no progress"),
        pytest.param(1, "here", 6, id="a smaller limit"),
    ],
)
def test_it_is_dropped_for_anything_else(working: Ahead, position: int, progress: str | None, limit: int) -> None:
    working.begin(event(1), "here", 7)
    assert working.take(event(position), progress, limit) is None


def test_an_error_is_left_to_the_transaction(working: Ahead) -> None:
    working.begin(event(1), "bad", 7)
    assert working.take(event(1), "bad", 7) is None


def test_a_small_chunk_is_not_worth_a_thread() -> None:
    small = Ahead(react)
    small.begin(event(1), "here", ahead.WORTH_A_THREAD - 1)
    assert small.take(event(1), "here", ahead.WORTH_A_THREAD) is None
    small.close()
