"""Reads of the log from a streaming replica, which leave the primary to the commands.

# Note [A replica answers as the primary would]
The caller names the position up to which it reads, of which it knows from the primary. The replica is read only if it
accepts no writes and has that very event, recorded at the same moment: a replica that lags has no event there yet, and
one of another log, or one that missed a failover, has another. A replica that lags is waited for, LOG_REPLICA_WAIT at
most. In every other case, and after any error of the replica, the primary is read. So an answer is never older than one
of the primary, and no command reads here.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

from django.conf import settings
from django.db import Error, connections

from eventstore.log import metrics
from eventstore.log.reads import head, read_event
from eventstore.runtime.outages import BackOff

_T = TypeVar("_T")
_logger = logging.getLogger(__name__)
_FIRST_RETRY_S: Final = 0.5
_LAST_RETRY_S: Final = 10.0
_IMPATIENT_S: Final = 1.0
"""After a wait in vain, nobody waits for so long: a replica that is paused would delay every answer."""
_FIRST_PAUSE_S: Final = 0.002
_LAST_PAUSE_S: Final = 0.05
_LOOK: Final = "SELECT pg_is_in_recovery(), (SELECT recorded_at FROM eventstore_event WHERE position = %s)"
_IDENTITY: Final = "SELECT system_identifier FROM pg_control_system()"
WRITABLE: Final = "it accepts writes, so it is no replica"


class Unfit(Exception):
    """The replica must not be read; the message says why."""


class _Known:
    """What this process knows of the replica: its fault, when it is asked again, and whether it is waited for."""

    def __init__(self) -> None:
        self.fault = ""
        self._retry_at = self._impatient_until = 0.0
        self._delays = BackOff(_FIRST_RETRY_S, _LAST_RETRY_S)

    def is_due(self) -> bool:
        """Say whether to ask the replica; after a fault, one thread asks again now and then."""
        if self.fault and time.monotonic() < self._retry_at:
            return False
        if self.fault:
            self._retry_at = time.monotonic() + self._delays.delay()
        return True

    def fail(self, fault: str) -> None:
        """Remember that it cannot be read, and log that once."""
        if not self.fault:
            _logger.warning("the replica of the log is not read: %s", fault)
            self._retry_at = time.monotonic() + self._delays.delay()
        self.fault = fault

    def succeed(self) -> None:
        """Remember that it can be read."""
        if self.fault:
            _logger.warning("the replica of the log is read again")
            self._delays.reset()
        self.fault = ""

    def patience_s(self) -> float:
        """Return how long to wait for a replica that lags."""
        return 0.0 if time.monotonic() < self._impatient_until else float(settings.LOG_REPLICA_WAIT_MS) / 1000

    def lose_patience(self) -> None:
        """Wait for it no longer for a while."""
        self._impatient_until = time.monotonic() + _IMPATIENT_S


_known: Final = _Known()


def forget() -> None:
    """Know nothing of the replica: the databases are others."""
    _known.__init__()  # type: ignore[misc] # as new


def read_up_to(position: int, read: Callable[[str], _T]) -> _T:
    """Return what `read` reads, of the alias that it is given, from the events up to a position.

    It may be called twice: with the replica, and after an error of the replica with the primary.
    See Note [A replica answers as the primary would].
    """
    alias = settings.LOG_REPLICA
    if not alias or not position:
        return read("default")
    event = read_event(position)
    try:
        if event is not None and _known.is_due() and _has(alias, position, event.recorded_at):
            metrics.REPLICA_READS.labels("replica").inc()
            return read(alias)
    except Unfit as unfit:
        _known.fail(str(unfit))
    except Error as error:
        _known.fail(" ".join(str(error).split()))
        connections[alias].close()
    metrics.REPLICA_READS.labels("primary").inc()
    return read("default")


def _has(alias: str, position: int, recorded_at: datetime) -> bool:
    """Return whether the replica has an event, after a wait if it lags; raises Unfit."""
    patience = _known.patience_s()
    until, pause = time.monotonic() + patience, _FIRST_PAUSE_S
    while True:
        found = _look(alias, position)
        if found is not None:
            _check_same(position, recorded_at, found)
            _known.succeed()
            return True
        left = until - time.monotonic()
        if left <= 0:
            if patience:
                _known.lose_patience()
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 2, _LAST_PAUSE_S)


def _look(alias: str, position: int) -> datetime | None:
    """Return when the replica's event at a position was recorded, None if it has none there; raises Unfit."""
    is_replica, recorded_at = _row(alias, _LOOK, [position])
    if not is_replica:
        raise Unfit(WRITABLE)
    found: datetime | None = recorded_at
    return found


def _check_same(position: int, wanted: datetime, found: datetime) -> None:
    if found != wanted:
        raise Unfit(f"its event at position {position} is another one: it is the replica of another log")


class ReplicaState(NamedTuple):
    """The position of the replica, and the fault because of which it is not read; "" if it is."""

    position: int
    fault: str = ""


def examine() -> ReplicaState | None:
    """Return the state of the replica as it is now, None if none is configured."""
    alias = settings.LOG_REPLICA
    if not alias:
        return None
    try:
        at = head(alias).position
        event = read_event(at)
        if event is not None:
            found = _look(alias, at)
            _check_same(at, event.recorded_at, found or event.recorded_at)
    except Unfit as unfit:
        return ReplicaState(0, str(unfit))
    except Error:
        connections[alias].close()
        return ReplicaState(0, "it does not answer")  # the error itself may contain an address, and goes to the log
    return ReplicaState(at)


def misconfiguration() -> str:
    """Return what is wrong with the configured replica, for `manage.py check`; "" if nothing is."""
    if connections["default"].vendor != "postgresql":
        return "the log is in SQLite, which has no replicas"
    try:
        if not _row(settings.LOG_REPLICA, "SELECT pg_is_in_recovery()")[0]:
            return WRITABLE
        if _row(settings.LOG_REPLICA, _IDENTITY) != _row("default", _IDENTITY):
            return "it is the replica of another server"
        state = examine()
    except Error as error:
        return " ".join(str(error).split())
    return "" if state is None else state.fault


def _row(alias: str, sql: str, params: list[Any] | None = None) -> tuple[Any, ...]:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, params)
        row: tuple[Any, ...] = cursor.fetchone()
        return row
