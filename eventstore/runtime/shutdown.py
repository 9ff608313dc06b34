"""Ends a process when it is asked to: a signal takes effect between transactions and ends every wait."""

import os
import select
import signal
import sqlite3
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from types import FrameType
from typing import Any, Final

import psycopg
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

_Handler = Callable[[int, FrameType | None], Any] | int | None

GRACE_S: Final = 3.0
"""A transaction may go on this long after a signal; then the statement that it waits for is cancelled."""
_CANCEL_AGAIN_S: Final = 1.0


class Stop:
    """Whether this process was asked to end, and a sleep that the request ends."""

    def __init__(self) -> None:
        self.asked = False
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        weakref.finalize(self, _close, self._woken, self._waker)

    def ask(self) -> None:
        """Ask the process to end."""
        self.asked = True
        os.write(self._waker, b"x")

    def wait(self, seconds: float, fileno: int | None = None) -> None:
        """Sleep until the time is over, the process is asked to end, or `fileno` can be read."""
        if self.asked:
            return
        # Not select.select, which takes no descriptor above 1023.
        poll = select.poll()
        for descriptor in [self._woken] if fileno is None else [self._woken, fileno]:
            poll.register(descriptor, select.POLLIN)
        poll.poll(max(seconds, 0) * 1000)

    @contextmanager
    def on_signals(self) -> Iterator["Stop"]:
        """Let SIGTERM and SIGINT ask the process to end, within the block.

        After a time of grace, a thread cancels the statements that still run. Python's handlers do not run while the
        main thread waits inside a database library, so the pipe is written by the signal itself.
        """
        before: dict[int, _Handler] = {
            number: signal.signal(number, lambda *_: self.ask()) for number in (signal.SIGTERM, signal.SIGINT)
        }
        waker = signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        over = Event()
        Thread(target=self._cancel_statements, args=(connections.all(), over), name="shutdown", daemon=True).start()
        try:
            yield self
        finally:
            over.set()
            signal.set_wakeup_fd(waker)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _cancel_statements(self, wrappers: Sequence[BaseDatabaseWrapper], over: Event) -> None:
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        while not over.is_set():
            if poll.poll(_CANCEL_AGAIN_S * 1000):
                break
        over.wait(GRACE_S)
        while not over.is_set():
            for wrapper in wrappers:
                _cancel_statement(wrapper)
            over.wait(_CANCEL_AGAIN_S)


def _cancel_statement(wrapper: BaseDatabaseWrapper) -> None:
    """Cancel what another thread's connection waits for, if it waits."""
    raw = wrapper.connection
    with suppress(psycopg.Error, sqlite3.Error):
        if isinstance(raw, psycopg.Connection):
            raw.cancel_safe(timeout=_CANCEL_AGAIN_S)
        elif isinstance(raw, sqlite3.Connection):
            raw.interrupt()


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
