"""Which position a business date or a given position stands for.

As of a business date is as of the last position before the first SystemCycled later than it, or the head where there
is none.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import date

from eventstore import store
from eventstore.records import RecordedEvent
from ledger.rules.refusals.dates import DateNotCycled, PositionBeyondHead

CYCLED = "SystemCycled"
SYSTEM_STREAM = "system"


def last_cycled(up_to: int | None = None, using: str = "default") -> RecordedEvent | None:
    """Return the newest SystemCycled, or the newest at or below a position; None where nothing was cycled."""
    return store.last_of_type(CYCLED, up_to, using)


def booking_date(position: int, using: str = "default") -> date | None:
    """Return the last date cycled before the event at this position; None before the first."""
    cycled = last_cycled(position - 1, using)
    return None if cycled is None else _new_date(cycled)


def position_as_of(business_date: date, using: str = "default") -> int:
    """Return the last position that counts as of a business date; raises DateNotCycled for one after the last."""
    # The head is read first: what is appended meanwhile is after it, and so is a cycle that would end the date.
    head = store.head(using).position
    last = last_cycled(head, using)
    if last is None or business_date > _new_date(last):
        raise DateNotCycled(business_date=business_date, last_date=None if last is None else _new_date(last))
    return head if business_date == _new_date(last) else _first(bisect_right, business_date, last, using).position - 1


def began(business_date: date, using: str = "default") -> int:
    """Return the position at which the date began, or the first one after it; raises DateNotCycled for a later one."""
    last = last_cycled(using=using)
    if last is None or business_date > _new_date(last):
        raise DateNotCycled(business_date=business_date, last_date=None if last is None else _new_date(last))
    return _first(bisect_left, business_date, last, using).position


def booked_from(business_date: date, using: str = "default") -> int | None:
    """Return the position after which booking dates are this one or later; None where there is none such yet."""
    try:
        return began(business_date, using)
    except DateNotCycled:
        return None


def booked_to(business_date: date, using: str = "default") -> int | None:
    """Return the last position whose booking date is this one or earlier; None where all are."""
    last = last_cycled(using=using)
    if last is None or business_date >= _new_date(last):
        return None
    return _first(bisect_right, business_date, last, using).position


def _first(bisect: Callable[..., int], business_date: date, last: RecordedEvent, using: str) -> RecordedEvent:
    """Return the first SystemCycled to the right of a date, where `last` is."""
    # Dates only rise along the stream, so it is found by halves: a dozen rows for ten years.
    earlier = bisect(range(1, last.version), business_date, key=lambda version: _new_date(_cycle(version, using)))
    return _cycle(earlier + 1, using)


def resolve(as_of: int | date | None, using: str = "default") -> int | None:
    """Return the position that `as_of` means, None for now; raises DateNotCycled or PositionBeyondHead."""
    if as_of is None:
        return None
    if isinstance(as_of, date):
        return position_as_of(as_of, using)
    head = store.head(using).position
    if not 0 <= as_of <= head:
        raise PositionBeyondHead(position=as_of, head=head)
    return as_of


def _cycle(version: int, using: str) -> RecordedEvent:
    return next(iter(store.read_stream(SYSTEM_STREAM, after_version=version - 1, limit=1, using=using)))


def _new_date(cycled: RecordedEvent) -> date:
    new_date: date = cycled.data.new_date
    return new_date
