"""A chunk that was made ahead is used only for what it was made for."""

from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from django.db import OperationalError

from eventstore.consumers.catching_up.ahead import Ahead, MadeChunk
from eventstore.consumers.definitions import Chunk, ChunkInParts, ProcessManager
from eventstore.log.append_call import Rows
from eventstore.records import RecordedEvent


class Counts(ProcessManager):
    """Makes a chunk in three parts, and notes what it does."""

    name: ClassVar[str] = "counts"
    types: ClassVar[tuple[str, ...]] = ("A",)

    def __init__(self) -> None:
        self.done: list[str] = []

    def react(self, event: RecordedEvent, progress: Any | None, limit: int) -> Chunk:
        raise NotImplementedError

    def react_in_parts(self, event: RecordedEvent, progress: Any | None, limit: int) -> ChunkInParts | None:
        return None if progress == "alone" else self._parts(progress, limit)

    def _parts(self, progress: Any, limit: int) -> ChunkInParts:
        self.done.append("read")
        for part in "abc":
            yield
            if progress == "bad":
                message = "a handler's fault"
                raise ValueError(message)
            self.done.append(part)
        return Chunk([], {"after": progress, "limit": limit})


def event(position: int) -> RecordedEvent:
    return RecordedEvent(position, "a", 1, "A", 1, "{}", "", "", None, "{}", datetime(2026, 1, 1, tzinfo=UTC))


def prepared(_event: RecordedEvent, chunk: Chunk) -> Rows | None:
    assert chunk.events == []
    return None


def test_it_reads_at_once_is_worked_out_part_by_part_and_is_used_once() -> None:
    manager = Counts()
    ahead = Ahead(manager.react_in_parts, prepared)
    ahead.begin(event(1), "here", 7)
    assert manager.done == ["read"]
    work = ahead.work()
    next(work)
    assert manager.done == ["read", "a"]
    del work
    assert ahead.take(event(1), "here") == MadeChunk(Chunk([], {"after": "here", "limit": 7}), None, 7)
    assert manager.done == ["read", "a", "b", "c"]
    assert list(ahead.work()) == []
    assert ahead.take(event(1), "here") is None


@pytest.mark.parametrize(
    ("position", "progress"),
    [
        pytest.param(2, "here", id="another event"),
        pytest.param(1, "there", id="another progress"),
        pytest.param(1, None, id="no progress"),
    ],
)
def test_it_is_dropped_for_anything_else(position: int, progress: str | None) -> None:
    manager = Counts()
    ahead = Ahead(manager.react_in_parts, prepared)
    ahead.begin(event(1), "here", 7)
    assert ahead.take(event(position), progress) is None
    assert ahead.take(event(1), "here") is None
    assert manager.done == ["read"]


def test_an_error_is_left_to_the_transaction_and_another_manager_makes_nothing_ahead() -> None:
    ahead = Ahead(Counts().react_in_parts, prepared)
    ahead.begin(event(1), "bad", 7)
    assert list(ahead.work()) == []
    assert ahead.take(event(1), "bad") is None
    ahead.begin(event(1), "alone", 7)
    assert list(ahead.work()) == []
    assert ahead.take(event(1), "alone") is None
    ahead.begin(event(1), "here", 7)
    ahead.drop()
    assert ahead.take(event(1), "here") is None


def test_an_error_of_what_is_read_is_left_to_the_transaction_of_the_chunk_unless_the_database_made_it() -> None:
    def react_in_parts(_event: RecordedEvent, progress: Any, _limit: int) -> ChunkInParts | None:
        raise progress

    ahead, fault = Ahead(react_in_parts, prepared), ValueError("an asset that cannot be read")
    ahead.begin(event(1), fault, 7)
    assert ahead.take(event(1), fault) is None
    with pytest.raises(OperationalError):
        ahead.begin(event(1), OperationalError("the server is away"), 7)
