"""The daily cycle: publishes SystemCycled exactly once for each business date, on any number of machines."""

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from eventstore import home, store
from eventstore.clock import utc_now
from eventstore.errors import WrongExpectedVersion
from eventstore.records import NO_STREAM, Context, NewEvent, RecordedEvent
from ledger.as_of import SYSTEM_STREAM, last_cycled
from ledger.rules import dates
from ledger.rules.events import SystemCycled
from ledger.rules.refusals.dates import TooManyMissingDates

ONE_DAY = timedelta(days=1)


def business_today() -> date:
    """Return today's date in the business time zone."""
    return utc_now().astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).date()


def cycle(
    today: date,
    *,
    max_gap: int | None = None,
    catch_up: bool = False,
    actor: str = "daily_cycle",
    using: str = "default",
) -> list[date]:
    """Publish the missing dates up to today, in order, and return those that this call published.

    Raises TooManyMissingDates if more than `max_gap` (default DAILY_CYCLE_MAX_GAP) are missing, unless `catch_up`,
    InvalidDate if `today` is no business date, and LedgerIsACopy.
    """
    return list(published(today, max_gap=max_gap, catch_up=catch_up, actor=actor, using=using))


def published(
    today: date, *, max_gap: int | None = None, catch_up: bool = False, actor: str, using: str = "default"
) -> Iterator[date]:
    """Do the same as `cycle`, and yield each date as soon as it is recorded."""
    dates.business_date("today", today)
    most = settings.DAILY_CYCLE_MAX_GAP_DAYS if max_gap is None else max_gap
    last = last_cycled(using=using)
    _check_gap(last, today, most, catch_up=catch_up)
    home.ensure(using)
    while last is None or last.data.new_date < today:
        next_date = _next_date(last, today)
        version = NO_STREAM if last is None else last.version
        event, context = NewEvent(SYSTEM_STREAM, SystemCycled(next_date)), Context(actor, f"cycle-{next_date}")
        try:
            last = store.append([event], context, expected={SYSTEM_STREAM: version}, using=using).events[-1]
        except WrongExpectedVersion:
            last = last_cycled(using=using)  # Another process published it first: look again at what is missing.
            _check_gap(last, today, most, catch_up=catch_up)
        else:
            yield next_date
    # The caller reports dates that another process published as done, so they must be durable first.
    store.barrier(using)


def _next_date(last: RecordedEvent | None, today: date) -> date:
    """Return the first missing date; the very first run begins with today."""
    return today if last is None else last.data.new_date + ONE_DAY


def _check_gap(last: RecordedEvent | None, today: date, most: int, *, catch_up: bool) -> None:
    if last is None or catch_up:
        return
    missing = (today - last.data.new_date).days
    if missing > most:
        first_date = last.data.new_date + ONE_DAY
        raise TooManyMissingDates(missing=missing, first_date=first_date, last_date=today, most=most)
