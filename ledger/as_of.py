"""Resolves a business date or a position, as a client names it, to a position of the log.

A request is resolved once, at the edge, against the head that the edge has read. All code below takes a position.
A business date stands for the last position before the first SystemCycled of a later date, or for the head if no later
date has been cycled.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import date

from eventstore import store
from eventstore.records import RecordedEvent
from ledger.rules import dates
from ledger.rules.refusals.dates import DateNotCycled, PositionBeyondHead

CYCLED = "SystemCycled"
SYSTEM_STREAM = "system"


def last_cycled(up_to: int | None = None, using: str = "default") -> RecordedEvent | None:
    """Return the newest SystemCycled, at or below a position if one is given; None if no date has been cycled."""
    return store.last_of_type(CYCLED, up_to, using)


def booking_date(position: int, using: str = "default") -> date | None:
    """Return the last date cycled before the event at this position; None before the first."""
    cycled = last_cycled(position - 1, using)
    return None if cycled is None else _new_date(cycled)


def resolve(moment: int | date | None, head: int, using: str = "default") -> int | None:
    """Return the position that a position or a business date stands for, in a log that ends at `head`; None is now.

    Raises PositionBeyondHead for a position above the head, DateNotCycled for a date after the last one cycled, and
    InvalidDate for one that is no business date.
    """
    match moment:
        case None:
            return None
        case date():
            return position_as_of(moment, head, using)
        case _ if 0 <= moment <= head:
            return moment
        case _:
            raise PositionBeyondHead(position=moment, head=head)


def position_as_of(business_date: date, head: int, using: str = "default") -> int:
    """Return the last position of a business date, at most `head`; raises DateNotCycled for a date not yet cycled."""
    dates.business_date("as_of", business_date)
    # A cycle that is appended after the head was read does not count, nor does the date that it begins.
    last = _last_cycled_from(business_date, head, using)
    return head if business_date == _new_date(last) else _first(bisect_right, business_date, last, using).position - 1


def began(business_date: date, using: str = "default") -> int:
    """Return the position at which a date began, or the next date if it was skipped; raises DateNotCycled."""
    dates.business_date("business_date", business_date)
    return _first(bisect_left, business_date, _last_cycled_from(business_date, None, using), using).position


def booked_from(business_date: date, using: str = "default") -> int | None:
    """Return the position after which events are booked on this date or later; None if there are no such events."""
    try:
        return began(business_date, using)
    except DateNotCycled:
        return None


def booked_to(business_date: date, using: str = "default") -> int | None:
    """Return the last position that is booked on this date or earlier; None if every position is."""
    last = last_cycled(using=using)
    if last is None or business_date >= _new_date(last):
        return None
    return _first(bisect_right, business_date, last, using).position


def _last_cycled_from(business_date: date, up_to: int | None, using: str) -> RecordedEvent:
    """Return the newest SystemCycled; raises DateNotCycled if the date is later than the date that it began."""
    last = last_cycled(up_to, using)
    if last is None or business_date > _new_date(last):
        raise DateNotCycled(business_date=business_date, last_date=None if last is None else _new_date(last))
    return last


def _first(bisect: Callable[..., int], business_date: date, last: RecordedEvent, using: str) -> RecordedEvent:
    """Return the first SystemCycled to the right of a date; `last` is the newest one."""
    # Dates only rise along the stream, so a binary search reads a dozen rows for ten years.
    earlier = bisect(range(1, last.version), business_date, key=lambda version: _new_date(_cycle(version, using)))
    return _cycle(earlier + 1, using)


def _cycle(version: int, using: str) -> RecordedEvent:
    return next(iter(store.read_stream(SYSTEM_STREAM, after_version=version - 1, limit=1, using=using)))


def _new_date(cycled: RecordedEvent) -> date:
    new_date: date = cycled.data.new_date
    return new_date
