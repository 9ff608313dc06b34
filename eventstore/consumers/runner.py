"""What the loop drives: a runner takes one step at a time and says what came of it."""

import logging
from enum import Enum, auto
from typing import Final, Protocol

from eventstore.consumers.checkpoints import StaleCheckpoint
from eventstore.consumers.cursor import ConsumerPaused, Cursor
from eventstore.consumers.definitions import EventRefused
from eventstore.errors import (
    AnotherStore,
    BehindItsGroup,
    ConsumerError,
    ConsumerStopped,
    EventOfNewerCode,
    LedgerIsACopy,
    MissedEvent,
    RowsDoNotMatch,
    StoreWentBack,
)
from eventstore.runtime.connections import close_connections

_logger = logging.getLogger(__name__)

MOST_OUTAGES: Final = 3
"""A consumer stops at an event whose handling loses the database this often."""


class Step(Enum):
    """The outcome of one step."""

    PROGRESSED = auto()
    IDLE = auto()
    PAUSED = auto()
    WAITING = auto()
    STOPPED = auto()


class Runner(Protocol):
    """Runs one consumer, or one group of projectors; `cursor` holds its checkpoint rows."""

    cursor: Cursor

    def begin(self) -> None:
        """Register the consumer, before the hydration delay."""

    def step(self) -> Step:
        """Handle the next events in one transaction. Raises only what concerns the database or the machinery."""


def step_after(error: ConsumerError, cursor: Cursor) -> Step:
    """Return the outcome of a step that the cursor cut short; raises every other error again."""
    match error:
        case StaleCheckpoint():
            cursor.forget()
            return Step.PROGRESSED
        case ConsumerPaused():
            return Step.PAUSED
        case BehindItsGroup():
            cursor.stopped = ConsumerStopped(error.name, 0, str(error))  # no row exists that could keep it
            return Step.STOPPED
        case MissedEvent() | AnotherStore() | EventOfNewerCode():
            position = error.expected if isinstance(error, MissedEvent) else error.position
            return stop(cursor, None, position, str(error))
        case StoreWentBack():
            return stop(cursor, None, error.found, str(error), went_back_from=error.remembered)
        case LedgerIsACopy():
            # Not at the event itself: a skip does not help.
            return stop(cursor, None, cursor.at.position, str(error))
        case RowsDoNotMatch():
            return stop(cursor, None, error.position, str(error))
    raise error


def stop(  # noqa: PLR0913 - the columns of the row that keeps it
    cursor: Cursor,
    name: str | None,
    position: int,
    message: str,
    error: Exception | None = None,
    *,
    went_back_from: int | None = None,
) -> Step:
    """Stop at a position, because of one row's consumer or of all; read again if the rows have changed meanwhile.

    The row keeps the message; the traceback of `error` is logged, unless it is EventRefused.
    """
    stopped = cursor.stop(name, position, message, went_back_from=went_back_from)
    if stopped is None:
        return Step.PROGRESSED
    facts = {"consumer": name or cursor.label, "position": position, "event_type": cursor.type_at(position)}
    _logger.error("consumer stopped: %s", stopped.message, exc_info=with_traceback(error), extra=facts)
    return Step.STOPPED


def with_traceback(error: Exception | None) -> Exception | None:
    """Return the error whose traceback is logged, None if its message says all."""
    return None if isinstance(error, EventRefused) else error


class Outages:
    """Counts how often the database was away while a consumer handled events from the same position."""

    def __init__(self) -> None:
        self._position, self.count = 0, 0

    def add(self, position: int) -> int:
        """Count an outage and return the number at this position."""
        self._position, self.count = position, self.count + 1 if position == self._position else 1
        return self.count

    def reset(self) -> None:
        """Start again at zero, after a transaction that committed."""
        self.count = 0

    def stop(self, cursor: Cursor, name: str, error: Exception, seconds: float) -> Step:
        """Stop the consumer: an event at which the transaction is lost again and again is the handler's fault."""
        close_connections()
        message = f"{describe(error)}; its transaction was lost {self.count} times, at last after {seconds:.1f} s"
        return stop(cursor, name, self._position, message, error)


def describe(error: BaseException) -> str:
    """Return one line that says what a handler raised."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
