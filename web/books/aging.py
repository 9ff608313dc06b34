"""The page of aging: what was owed as a date began, by how long it was past due."""

from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from projectors.aging import due_dates_of
from projectors.explain import reports
from projectors.explain.customer import Standing, standings
from projectors.queries.customer_sums import moment_began
from projectors.queries.reports import BUCKETS
from web.books import csv_export
from web.books.frame import Frame, Refused, page, shown, takes
from web.books.parameters import date_of

_DAY: Final = timedelta(days=1)
_CUSTOMERS: Final = 20
_READS: Final = ("aging", "customers")
HEADER: Final = ("known", "business_date", "currency", "bucket", "principal", "fees", "owed", "products")


@page
@takes("date", "format")
def aging(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Show what was owed as the page's date began: as known then, and beside it as known now."""
    asked = date_of(request, "date")
    if asked is not None:
        return _address_of(request, frame, asked)
    frame, on = frame.as_date_began, frame.business_date
    then = [] if on is None else reports.aging_then(on)
    now = [] if on is None else reports.aging_now(on, None if frame.cut.position == frame.head else frame.cut.position)
    if csv_export.is_wanted(request):
        both = (("then", then), ("now", now))
        rows = ((known, each.currency, bucket) for known, all_ in both for each in all_ for bucket in each.buckets)
        cells = ((known, on, unit, b.name, b.principal, b.fees, b.owed, b.products) for known, unit, b in rows)
        return csv_export.export(frame, "aging", HEADER, cells, reads=_READS)
    context: dict[str, Any] = {"now": now, "then": {each.currency: each for each in then}, "on": on}
    if on is not None and (now or then):
        context |= {"links": _links(frame, on), "customers": _customers(frame, on), "day_before": on - _DAY}
    return shown(request, "aging.html", frame, "aging", reads=_READS, **context)


def _address_of(request: HttpRequest, frame: Frame, on: date) -> HttpResponseRedirect:
    """Lead from the address of a date to that of the moment."""
    if "as_of" in frame.asked:
        raise Refused("date and as_of both name the date: give one of them.")
    others = {name: value for name, value in request.GET.items() if name != "date"}
    return HttpResponseRedirect(f"{request.path}?{urlencode({**others, 'as_of': on.isoformat()})}")


def _links(frame: Frame, on: date) -> dict[str, dict[str, str]]:
    """Return the addresses of each bucket's invoices, as known then and now, without the currency."""
    known = {"then": "then", "now": frame.known if frame.known not in {"now", "then"} else str(frame.cut.position)}
    if frame.is_now:
        known["now"] = "now"
    return {form: {name: _link(name, on, value) for name in BUCKETS} for form, value in known.items()}


def _link(bucket: str, on: date, known: str) -> str:
    first, last = due_dates_of(bucket, on)
    chosen = {"as_of": on - _DAY, "known": known, "due_from": first, "due_to": last}
    parameters = {name: str(value) for name, value in chosen.items() if value is not None and value != "now"}
    return f"{reverse('books:invoices')}?{urlencode(parameters)}"


def _customers(frame: Frame, on: date) -> list[Standing]:
    at = moment_began(on, frame.cut.position, known_now=frame.known != "then")
    return [each for each in standings(at, "overdue", limit=_CUSTOMERS) if each.overdue]
