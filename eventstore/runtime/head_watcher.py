"""Lets many threads of a process sleep until something is appended, with one watcher's connections for all of them."""

import time
from threading import Condition, Thread
from typing import Final

from django.db import Error, connections

from eventstore import store
from eventstore.consumers.loop import forget_statements
from eventstore.runtime.outages import close_connections
from eventstore.runtime.shutdown import Stop
from eventstore.runtime.wakeup import wake_up

_LOOK_EVERY_S: Final = 0.5
_REST_AFTER_S: Final = 5.0


class Tail:
    """The end of the log, watched by a thread that is there while anybody sleeps, and a little longer."""

    def __init__(self) -> None:
        self._moved = Condition()
        self._head = 0
        self._sleepers = 0
        self._slept_at = 0.0
        self._watched = False

    def wait_beyond(self, position: int, seconds: float) -> bool:
        """Sleep until something is appended beyond a position, or the time is over; say whether something was."""
        with self._moved:
            if not self._watched:
                self._watched = True
                Thread(target=self._watch, name="tail of the log", daemon=True).start()
            self._sleepers += 1
            try:
                return self._moved.wait_for(lambda: self._head > position, seconds)
            finally:
                self._sleepers -= 1
                self._slept_at = time.monotonic()

    def _watch(self) -> None:
        waking = wake_up(Stop())
        try:
            while self._is_needed():
                waking.listen()
                self._look()
                waking.wait(_LOOK_EVERY_S)
        except BaseException:
            with self._moved:
                self._watched = False
            raise
        finally:
            waking.close()
            connections.close_all()

    def _look(self) -> None:
        try:
            head = store.head().position
        except Error:
            close_connections()  # it looks again in a moment
            return
        forget_statements()
        with self._moved:
            if head != self._head:
                self._head = head
                self._moved.notify_all()

    def _is_needed(self) -> bool:
        """Whether anybody sleeps or lately did; whoever goes to sleep once it is not, starts another watcher."""
        with self._moved:
            self._watched = self._sleepers > 0 or time.monotonic() < self._slept_at + _REST_AFTER_S
            return self._watched


tail: Final = Tail()
"""The one of this process."""
