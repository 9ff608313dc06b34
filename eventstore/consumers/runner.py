"""What the loop drives: a runner takes one step at a time and says what came of it."""

from enum import Enum, auto
from typing import Protocol

from eventstore.consumers.cursor import ConsumerPaused, Cursor, StaleCheckpoint
from eventstore.errors import (
    AnotherStore,
    BehindItsGroup,
    ConsumerError,
    ConsumerStopped,
    EventOfNewerCode,
    MissedEvent,
)
from eventstore.runtime.outages import is_outage


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
    raise error


def stop(cursor: Cursor, name: str | None, position: int, message: str) -> Step:
    """Stop at a position, because of one row's consumer or of all; read again if the rows have changed meanwhile."""
    return Step.STOPPED if cursor.stop(name, position, message) else Step.PROGRESSED


def raise_outage(error: Exception) -> None:
    """Raise an error again if the database is away: no handler is at fault."""
    if is_outage(error):
        raise error


def describe(error: BaseException) -> str:
    """Return one line that says what a handler raised."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
