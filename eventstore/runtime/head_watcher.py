"""Lets many threads of a process sleep until something is appended; one thread watches the head for all of them."""

import atexit
import time
from collections.abc import Callable
from threading import Condition, Event, Thread
from typing import Final

from django.db import Error, connections

from eventstore.log.reads import head
from eventstore.runtime.connections import close_connections, forget_statements
from eventstore.runtime.shutdown import Stop
from eventstore.runtime.wakeup import wake_up

_LOOK_EVERY_S: Final = 0.5
_IDLE_AFTER_S: Final = 5.0
_END_WITHIN_S: Final = 5.0


class HeadWatcher:
    """Watches the head in a thread that runs while another thread sleeps, and for a few seconds after."""

    def __init__(self) -> None:
        self._head_moved = Condition()
        self._head = 0
        self._sleepers = 0
        self._slept_at = 0.0
        self._watched = False

    def wait_beyond(self, position: int, seconds: float, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Sleep until the head is beyond a position or the time is over; return whether it is beyond.

        `is_over` ends the sleep as well; it is asked at each `wake_all`.
        """
        with self._head_moved:
            if not self._watched:
                Thread(target=self._watch, name="head watcher", daemon=True).start()
                self._watched = True  # only now: a thread that could not start is tried again
            self._sleepers += 1
            try:
                self._head_moved.wait_for(lambda: self._head > position or is_over(), seconds)
                return self._head > position
            finally:
                self._sleepers -= 1
                self._slept_at = time.monotonic()

    def wake_all(self) -> None:
        """Let every thread that sleeps ask whether its sleep is over."""
        with self._head_moved:
            self._head_moved.notify_all()

    def _watch(self) -> None:
        try:
            self._follow_head()
        except BaseException:
            with self._head_moved:
                self._watched = False
            raise

    def _follow_head(self) -> None:
        stop, ended = Stop(), Event()

        def end() -> None:
            stop.ask()
            ended.wait(_END_WITHIN_S)

        # A daemon thread that is inside a database library when the interpreter ends may crash it.
        atexit.register(end)
        sleep = wake_up(stop)
        try:
            while not stop.asked and self._is_needed():
                sleep.listen()
                self._look()
                sleep.wait(_LOOK_EVERY_S)
        finally:
            sleep.close()
            connections.close_all()
            ended.set()
            atexit.unregister(end)

    def _look(self) -> None:
        try:
            newest = head().position
        except Error:
            close_connections()  # the watcher looks again in a moment
            return
        forget_statements()
        with self._head_moved:
            if newest != self._head:
                self._head = newest
                self._head_moved.notify_all()

    def _is_needed(self) -> bool:
        """Whether a thread sleeps or did a moment ago; if not, the next one that sleeps starts another watcher."""
        with self._head_moved:
            self._watched = self._sleepers > 0 or time.monotonic() < self._slept_at + _IDLE_AFTER_S
            return self._watched


head_watcher: Final = HeadWatcher()
"""The watcher of this process."""
