"""The clients of histories: threads in several processes, each with a connection of its own."""

import math
import multiprocessing
import os
import signal
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from random import Random
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from django.conf import settings
from django.db import connection

from eventstore import store
from ledger import handlers
from tests.support.forking import fork
from tests.support.histories.books import Answer, Log, NotDone, Question, ReadLog, Recorded, Unknown, WholeLog, model
from tests.support.histories.checker import Operation, Verdict, check
from tests.support.histories.programs import Drawn, Program
from tests.support.histories.world import World
from tests.support.patience import PATIENCE_S

THREADS: Final = 2
"""The clients of one process."""

Asked = Operation[Question, Answer]


class Clients:
    """Processes that run the programs of one history after the other; `planted` changes the code that they run.

    Threads of a process share its caches, and processes do not.
    """

    def __init__(
        self, planted: Callable[[], None] = lambda: None, *, processes: int = 3, length: int = 4, hesitant: bool = True
    ) -> None:
        self._number, self._length = processes, length
        self._start = multiprocessing.get_context("fork").Barrier(processes * THREADS)
        self._planted, self._hesitant = planted, hesitant
        self.pids: list[int] = []
        self._pipes: list[Connection] = []

    def __enter__(self) -> Self:
        """Start the processes."""
        for number in range(self._number):
            ours, theirs = multiprocessing.Pipe()
            self.pids.append(fork(partial(self._serve, number, theirs)))
            self._pipes.append(ours)
            theirs.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them."""
        for pid, pipe in zip(self.pids, self._pipes, strict=True):
            pipe.close()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def history(self, seed: int, meanwhile: Callable[[], None] = lambda: None) -> tuple[Log, Sequence[Asked], World]:
        """Prepare a part of the ledger, run the programs of the seed there, and return what was asked and answered."""
        world = World(seed, store.head().position)
        initial = world.prepare()
        programs = Drawn(seed, self._number * THREADS, self._length).programs
        for number, pipe in enumerate(self._pipes):
            first = number * THREADS
            pipe.send((seed, world.base, first, programs[first : first + THREADS]))
        meanwhile()
        return initial, [asked for pipe in self._pipes for asked in _received(pipe)], world

    def _serve(self, number: int, pipe: Connection) -> None:
        settings.COMMAND_MAX_ATTEMPTS = (8, 2, 3)[number % 3]  # one of them often makes its last attempt
        if self._hesitant:
            handlers.LoadedFacts = _HesitantFacts  # type: ignore[misc] # in this process only
        self._planted()
        with ThreadPoolExecutor(THREADS) as threads:
            while True:
                seed, base, first, programs = pipe.recv()
                _chance.seed(seed * self._number + number)
                running = [
                    threads.submit(self._run, World(seed, base), first + place, program)
                    for place, program in enumerate(programs)
                ]
                pipe.send([asked for one in running for asked in one.result()])

    def _run(self, world: World, client: int, program: Program) -> list[Asked]:
        self._start.wait(PATIENCE_S)
        return [_asked(world, client, question) for question in program]


def _asked(world: World, client: int, question: Question) -> Asked:
    began = time.monotonic()
    answer = world.ask(question)
    if isinstance(answer, Unknown | NotDone):
        connection.close()
    # What is not known may still be recorded later.
    ended = math.inf if isinstance(answer, Unknown) else time.monotonic()
    return Operation(client, question, answer, began, ended)


def _received(pipe: Connection) -> list[Asked]:
    assert pipe.poll(PATIENCE_S), "the clients do not answer"
    answers: list[Asked] = pipe.recv()
    return answers


_chance: Final = Random()


class _HesitantFacts(handlers.LoadedFacts):
    """Facts whose reader sometimes pauses between two streams, so that others come between its reads and its append."""

    def _state(self, category: str, uuid: UUID) -> Any:
        state = super()._state(category, uuid)
        if _chance.random() < 0.3:
            time.sleep(_chance.random() * 0.004)
        return state


def judged(initial: Log, operations: Sequence[Asked], world: World) -> Verdict[Log]:
    """Check a history together with its log in the end, which is one more answer."""
    positions = world.positions()
    placed = [_placed(operation, positions) for operation in operations]
    last: Asked = Operation(-1, ReadLog(), WholeLog(world.log()), math.inf, math.inf)
    return check(initial, [*placed, last], model)


def _placed(operation: Asked, positions: Sequence[int]) -> Asked:
    """Return the operation with the place of its first event among those of its history."""
    answer = operation.answer
    if not isinstance(answer, Recorded):
        return operation
    return replace(operation, answer=replace(answer, after=bisect_left(positions, answer.after)))
