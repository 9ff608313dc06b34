"""Decides whether a history is linearizable: whether each answer is what a model answers to one question at a time.

The search is that of Wing and Gong (Testing and Verifying Concurrent Objects, 1993) with the memory of visited states
of Lowe (Testing for Linearizability, 2017). An operation may come next if no other operation ended before it began.
Two rules keep the search short. An answer that changes nothing is taken as soon as it is right, because taking it later
helps no other operation. An answer that names a position can be right only if the log ends right before it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")
State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Operation(Generic[Question, Answer]):
    """A question of a client and its answer, with the moments of both."""

    client: int
    question: Question
    answer: Answer
    began: float
    ended: float


Model = Callable[[State, Question, Answer], tuple[State, ...]]
"""Returns the states, which are hashable, that a question with this answer may lead to; none if the answer is wrong."""


@dataclass(frozen=True, slots=True)
class Verdict(Generic[State]):
    """The state at the end of a right order of all operations, or the operations that no order can continue with."""

    state: State | None
    stuck: str = ""


def check(
    initial: State, operations: Sequence[Operation[Question, Answer]], model: Model[State, Question, Answer]
) -> Verdict[State]:
    """Look for an order of all operations that the model agrees with."""
    search = _Search(sorted(operations, key=lambda operation: operation.began), model)
    return search.run(initial)


class _Search(Generic[State, Question, Answer]):
    def __init__(
        self, operations: Sequence[Operation[Question, Answer]], model: Model[State, Question, Answer]
    ) -> None:
        self._operations, self._model = operations, model
        self._all = (1 << len(operations)) - 1
        self._furthest = 0
        self._stuck_at: State | None = None

    def run(self, initial: State) -> Verdict[State]:
        """Search depth first; `done` is the set of the operations in the order so far, as bits."""
        seen: set[tuple[int, State]] = set()
        paths = [(0, initial)]
        while paths:
            done, state = paths.pop()
            if done == self._all:
                return Verdict(state)
            if (done, state) in seen:
                continue
            seen.add((done, state))
            self._note(done, state)
            paths += self._continued(done, state)
        return Verdict(None, self._describe())

    def _continued(self, done: int, state: State) -> list[tuple[int, State]]:
        found = []
        for number in self._next(done):
            operation = self._operations[number]
            states = self._model(state, operation.question, operation.answer)
            steps = [(done | 1 << number, after) for after in states]
            if states == (state,):
                return steps
            found += steps
        return found

    def _next(self, done: int) -> Iterator[int]:
        """Yield the operations that may come next: those that began before any that is left had ended."""
        left = [number for number in range(len(self._operations)) if not done >> number & 1]
        first_end = min(self._operations[number].ended for number in left)
        for number in left:
            if self._operations[number].began > first_end:
                return
            yield number

    def _note(self, done: int, state: State) -> None:
        if self._stuck_at is None or done.bit_count() >= self._furthest.bit_count():
            self._furthest, self._stuck_at = done, state

    def _describe(self) -> str:
        lines = [f"after {self._furthest.bit_count()} of {len(self._operations)} operations, at {self._stuck_at}:"]
        lines += [f"  wrong: {self._operations[number]}" for number in self._next(self._furthest)]
        return "\n".join(lines)
