"""Ending when asked: a signal is heeded between transactions and cuts every wait short."""

import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_Handler = Callable[[int, FrameType | None], Any] | int | None


class Stop:
    """Whether this process was asked to end, and a sleep that ends with the asking."""

    def __init__(self) -> None:
        self.asked = False
        self._woken, self._waker = socket.socketpair()

    def close(self) -> None:
        """Give back what the waiting needs."""
        self._woken.close()
        self._waker.close()

    def ask(self) -> None:
        """Ask for the end."""
        self.asked = True
        self._waker.send(b"x")

    def wait(self, seconds: float, fileno: int | None = None) -> None:
        """Sleep until the time is over, the end is asked for, or there is something to read from `fileno`."""
        if self.asked:
            return
        watched = [self._woken.fileno()] if fileno is None else [self._woken.fileno(), fileno]
        select.select(watched, [], [], max(seconds, 0))

    def wait_until(self, moment: float) -> None:
        """Sleep until that moment of the monotonic clock, or the asking."""
        self.wait(moment - time.monotonic())

    @contextmanager
    def on_signals(self) -> Iterator["Stop"]:
        """Take SIGTERM and SIGINT as the asking, for as long as the block lasts."""
        before: dict[int, _Handler] = {
            number: signal.signal(number, lambda *_: self.ask()) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
