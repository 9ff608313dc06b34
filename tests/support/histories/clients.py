"""The clients of histories: threads in several processes, each with a connection of its own."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from random import Random
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from django.conf import settings

from eventstore import store
from ledger import handlers
from tests.support.forking import fork
from tests.support.histories.books import Answer, Log, Question, model
from tests.support.histories.checker import Operation, Verdict, check
from tests.support.histories.programs import Drawn, Program
from tests.support.histories.world import World
from tests.support.patience import PATIENCE_S

PROCESSES: Final = 3
THREADS: Final = 2
LENGTH: Final = 4
"""How many questions each client has in one history."""

Asked = Operation[Question, Answer]


class Clients:
    """Processes that run the programs of one history after the other; `planted` changes the code that they run.

    Threads of a process share its caches, and processes do not.
    """

    def __init__(self, planted: Callable[[], None] = lambda: None) -> None:
        self._start = multiprocessing.get_context("fork").Barrier(PROCESSES * THREADS)
        self._planted = planted
        self._pids: list[int] = []
        self._pipes: list[Connection] = []

    def __enter__(self) -> Self:
        """Start the processes."""
        for number in range(PROCESSES):
            ours, theirs = multiprocessing.Pipe()
            self._pids.append(fork(partial(self._serve, number, theirs)))
            self._pipes.append(ours)
            theirs.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them."""
        for pid, pipe in zip(self._pids, self._pipes, strict=True):
            pipe.close()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def history(self, seed: int) -> tuple[Log, Sequence[Asked], World]:
        """Prepare a part of the ledger, run the programs of the seed there, and return what was asked and answered."""
        world = World(seed, store.head().position)
        initial = world.prepare()
        programs = Drawn(seed, PROCESSES * THREADS, LENGTH).programs
        for number, pipe in enumerate(self._pipes):
            first = number * THREADS
            pipe.send((seed, world.base, first, programs[first : first + THREADS]))
        return initial, [asked for pipe in self._pipes for asked in _received(pipe)], world

    def _serve(self, number: int, pipe: Connection) -> None:
        settings.COMMAND_MAX_ATTEMPTS = (2, 3, 8)[number]  # one of them often makes its last attempt
        handlers.LoadedFacts = _HesitantFacts  # type: ignore[misc] # in this process only
        self._planted()
        with ThreadPoolExecutor(THREADS) as threads:
            while True:
                seed, base, first, programs = pipe.recv()
                _chance.seed(seed * PROCESSES + number)
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
    return Operation(client, question, answer, began, time.monotonic())


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


def verdict(clients: Clients, seed: int) -> Verdict[Log]:
    """Run the history of a seed and check it; the log in the end must be that of the order that was found."""
    initial, operations, world = clients.history(seed)
    found = check(initial, operations, model)
    if found.state is not None:
        recorded, expected = world.log(), tuple(entry._replace(key=None) for entry in found.state)
        if recorded != expected:
            return Verdict(None, f"the log is {recorded}, and the answers add up to {expected}")
    return found
