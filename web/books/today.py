"""The first page: the business date, what is not well, what is overdue, and what happened lately."""

from datetime import date, timedelta
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from eventstore import store
from eventstore.consumers.status import Status, statuses
from eventstore.records import RecordedEvent
from ledger import as_of as dates
from ledger.rules.money import from_minor
from projectors.explain.reports import CurrencyAging, aging_now, aging_then, trial_balances
from projectors.queries.activity import activity_at
from projectors.queries.reports import daily_activity
from web.books import charts, csv_export
from web.books.consumers import condition
from web.books.frame import Frame, page, shown, takes

_DAYS: Final = 14
_AMOUNTS: Final = ("paid_in", "paid_out", "granted", "fees_assessed", "fees_waived")
_HEADER: Final = ("business_date", "currency", *_AMOUNTS)


@page
@takes("format")
def today(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Show how the ledger stands."""
    on = frame.business_date
    activity = [] if on is None else _activity(frame, on)
    if csv_export.is_wanted(request):
        return csv_export.export(frame, "activity", _HEADER, map(_cells, activity), reads=_reads(frame))
    return shown(
        request,
        "today.html",
        frame,
        "today",
        reads=("aging", "customers", *_reads(frame)),
        opened=None if on is None else _beginning(on),
        unwell=[(status, condition(status)) for status in statuses() if is_unwell(status)] if frame.is_now else [],
        currencies=trial_balances(None if frame.is_now else frame.cut),
        overdue=[] if on is None else charts.of_aging(_owed(frame, on)),
        activity=activity,
    )


def _reads(frame: Frame) -> tuple[str, ...]:
    """Return the projectors that the trial balance and the activity are read from."""
    return ("journal", "daily_activity") if frame.is_now else ("journal",)


def _beginning(on: date) -> RecordedEvent | None:
    """Return the event that began a date, also if later dates have begun; None for a date that was skipped."""
    began = store.read_event(dates.began(on))
    return began if began is not None and began.data.new_date == on else None


def _owed(frame: Frame, on: date) -> list[CurrencyAging]:
    if frame.known == "then":
        return aging_then(on)
    return aging_now(on, None if frame.cut.position == frame.head else frame.cut.position)


def _activity(frame: Frame, on: date) -> list[Any]:
    first = on - timedelta(days=_DAYS)
    if frame.is_now:
        return list(daily_activity(first, on).order_by("-business_date", "currency"))
    return list(activity_at(frame.cut.position, first, on))


def _cells(row: Any) -> tuple[Any, ...]:
    amounts = (from_minor(getattr(row, name), row.minor_digits) for name in _AMOUNTS)
    return (row.business_date, row.currency, *(amounts if row.currency else [None] * len(_AMOUNTS)))


def is_unwell(status: Status) -> bool:
    """Say whether somebody must look at a consumer: it failed, it is paused, or it waits or is silent while behind."""
    if status.error is not None or status.state in {"paused", "waiting"}:
        return True
    return status.state == "stopped" and status.lag_events > 0
