"""Ends a process when it is asked to: a signal takes effect between transactions and ends every wait."""

import os
import select
import signal
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_Handler = Callable[[int, FrameType | None], Any] | int | None


class Stop:
    """Whether this process was asked to end, and a sleep that the request ends."""

    def __init__(self) -> None:
        self.asked = False
        self._woken, self._waker = os.pipe()
        weakref.finalize(self, _close, self._woken, self._waker)

    def ask(self) -> None:
        """Ask the process to end."""
        self.asked = True
        os.write(self._waker, b"x")

    def wait(self, seconds: float, fileno: int | None = None) -> None:
        """Sleep until the time is over, the process is asked to end, or `fileno` can be read."""
        if self.asked:
            return
        watched = [self._woken] if fileno is None else [self._woken, fileno]
        select.select(watched, [], [], max(seconds, 0))

    @contextmanager
    def on_signals(self) -> Iterator["Stop"]:
        """Let SIGTERM and SIGINT ask the process to end, within the block."""
        before: dict[int, _Handler] = {
            number: signal.signal(number, lambda *_: self.ask()) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
