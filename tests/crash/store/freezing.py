"""Work in a process that is frozen with SIGSTOP at one exact point: before or after its n-th statement of the store."""

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from eventstore.log import append_postgresql
from tests.support.forking import fork


class Frozen:
    """A child process that has stopped itself, or has ended without reaching the point."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        _, self._status = os.waitpid(pid, os.WUNTRACED)
        self.reached = os.WIFSTOPPED(self._status)

    def thaw(self) -> int:
        """Let it go on, and return its exit status."""
        if self.reached:
            os.kill(self._pid, signal.SIGCONT)
            _, self._status = os.waitpid(self._pid, 0)
            self.reached = False
        return os.waitstatus_to_exitcode(self._status)


@contextmanager
def frozen_at(point: int, work: Callable[[], object]) -> Iterator[Frozen]:
    """Do the work in a process of its own that freezes at a point, counted from 1; status 0 if it did not fail."""

    def freezing() -> None:
        _freeze_at(point)
        work()

    child = Frozen(fork(freezing))
    try:
        yield child
    finally:
        child.thaw()


def _freeze_at(point: int) -> None:
    points, send = itertools.count(1), append_postgresql.send

    def freezing(
        raw: psycopg.Connection[Any], sql: bytes, values: list[bytes | None] | None = None, *more: Any
    ) -> bytes | None:
        if next(points) == point:
            os.kill(os.getpid(), signal.SIGSTOP)
        answer = send(raw, sql, values, *more)
        if next(points) == point:
            os.kill(os.getpid(), signal.SIGSTOP)
        return answer

    append_postgresql.send = freezing  # type: ignore[assignment] # it has fewer names
