"""What this process knows to be durable, so that an answer needs no flush of its own.

# Note [Only what is durable is answered]
An event can be seen before it is on disk, or on a synchronous standby. Until then a crash may take it back and give its
position to another event. So an answer that shows events waits until the newest of them is durable. Most need not wait:
the process remembers the last position that a barrier or an append of its own has made durable, and the threads that
do have to wait share one barrier.
"""

import time
from threading import Lock
from typing import Any, Final

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from eventstore.errors import NotDurable
from eventstore.log import append_postgresql
from eventstore.log.reads import head
from eventstore.runtime.databases import is_read_only

_EVERY_S: Final = 0.01
"""Barriers of one process begin at least this far apart."""


class _Durable:
    """The last position of one database that is known to be durable."""

    def __init__(self) -> None:
        self.position = 0
        self.connections = 0
        self._barrier = Lock()
        self._began = 0.0

    def forget(self) -> None:
        """Know nothing: a new connection may lead to a server that was restored or has taken over."""
        self.connections += 1
        self.position = 0

    def ensure(self, position: int, connection: BaseDatabaseWrapper) -> None:
        """Return once the events up to a position are durable."""
        if position <= self.position:
            return
        seconds = settings.APPEND_LOCK_TIMEOUT_MS / 1000
        if not self._barrier.acquire(timeout=seconds):
            raise NotDurable(f"the events up to position {position} have not become durable within {seconds:g} s")
        try:
            # The barrier of the thread before may have been enough.
            if position > self.position:
                self._run(connection)
        finally:
            self._barrier.release()

    def _run(self, connection: BaseDatabaseWrapper) -> None:
        time.sleep(max(0.0, self._began + _EVERY_S - time.monotonic()))
        self._began, before = time.monotonic(), self.connections
        newest = head(connection.alias).position
        # A database that takes no writes has no barrier: what can be seen there was flushed before it was replayed.
        if not is_read_only(connection.alias):
            append_postgresql.barrier(connection)
        # Within a transaction the barrier takes effect when that is committed.
        if before == self.connections and not connection.in_atomic_block:
            self.position = max(self.position, newest)


_durable: Final[dict[str, _Durable]] = {}


def ensure_durable(position: int, using: str = "default") -> None:
    """Return once all events up to a position are durable: at once if that is known, else after a shared barrier.

    Run it before showing events to anybody. Raises NotDurable if that takes longer than APPEND_LOCK_TIMEOUT or is
    cancelled. See Note [Only what is durable is answered].
    """
    connection = connections[using]
    # On SQLite, what can be seen is durable.
    if connection.vendor == "postgresql":
        _of(using).ensure(position, connection)


def durable_head(using: str = "default") -> int:
    """Return the position of the newest event, once it is durable."""
    position = head(using).position
    ensure_durable(position, using)
    return position


def note_durable(position: int, using: str) -> None:
    """Remember that an append, whose commit waits for everything before it, has made its events durable."""
    state = _of(using)
    state.position = max(state.position, position)


def _of(alias: str) -> _Durable:
    return _durable.get(alias) or _durable.setdefault(alias, _Durable())


def _forget(connection: BaseDatabaseWrapper, **_more: Any) -> None:
    _of(connection.alias).forget()


connection_created.connect(_forget, dispatch_uid="eventstore.durability")
