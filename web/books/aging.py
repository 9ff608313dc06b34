"""The page of aging: what was owed as a date began, by how long it was past due."""

from datetime import date, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from projectors.aging import due_dates_of
from projectors.explain import reports
from projectors.explain.aging_by_customer import RANKINGS, CustomerAging, cut_of, every_customer, page_of_customers
from projectors.explain.figures import Cut
from projectors.queries.reports import BUCKETS
from web.books import csv_export
from web.books.frame import Frame, Refused, page, shown, takes
from web.books.parameters import date_of, whole_number

_DAY: Final = timedelta(days=1)
_CUSTOMERS: Final = 20
_READS: Final = ("aging", "customers")
_OF_CUSTOMERS: Final = ("customers", "journal")
_BY_CUSTOMER: Final = ("business_date", "customer", "company_uuid", "currency", *BUCKETS, "owed", "overdue")
HEADER: Final = ("known", "business_date", "currency", "bucket", "principal", "fees", "owed", "products")


@page
@takes("date", "by", "start", "of", "format")
def aging(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Show what was owed as the page's date began: as known then, and beside it as known now."""
    asked = date_of(request, "date")
    if asked is not None:
        return _address_of(request, frame, asked)
    frame, on = frame.as_date_began, frame.business_date
    then = [] if on is None else reports.aging_then(on)
    now = [] if on is None else reports.aging_now(on, None if frame.cut.position == frame.head else frame.cut.position)
    by, start = _ranking(request), whole_number(request.GET, "start", default=0)
    if csv_export.is_wanted(request) and request.GET.get("of"):
        rows = [] if on is None else map(partial(_cells, on), every_customer(on, _cut(frame, on)))
        return csv_export.export(frame, "aging-by-customer", _BY_CUSTOMER, rows, reads=_OF_CUSTOMERS)
    if csv_export.is_wanted(request):
        both = (("then", then), ("now", now))
        lines = ((known, each.currency, bucket) for known, all_ in both for each in all_ for bucket in each.buckets)
        cells = ((known, on, unit, b.name, b.principal, b.fees, b.owed, b.products) for known, unit, b in lines)
        return csv_export.export(frame, "aging", HEADER, cells, reads=_READS)
    context: dict[str, Any] = {"now": now, "then": {each.currency: each for each in then}, "on": on}
    if on is not None and (now or then):
        customers = page_of_customers(on, _cut(frame, on), by, start, _CUSTOMERS + 1)
        context |= {
            "links": _links(frame, on),
            "day_before": on - _DAY,
            "by": by,
            "names": BUCKETS,
            "customers": customers.rows[:_CUSTOMERS],
            "is_certain": customers.is_certain,
            "next_start": start + _CUSTOMERS if len(customers.rows) > _CUSTOMERS else None,
        }
    return shown(request, "aging.html", frame, "aging", reads=(*_READS, "journal"), **context)


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


def _ranking(request: HttpRequest) -> str:
    by, of = request.GET.get("by", "overdue"), request.GET.get("of", "")
    if by not in RANKINGS:
        raise Refused(f"by={by} is not possible: it must be {' or '.join(RANKINGS)}.")
    if of not in {"", "customers"}:
        raise Refused(f"of={of} is not possible: it must be customers.")
    return by


def _cut(frame: Frame, on: date) -> Cut:
    return cut_of(on, frame.cut.position, known_then=frame.known == "then")


def _cells(on: date, row: CustomerAging) -> tuple[Any, ...]:
    of, buckets = row.standing, row.buckets or ()
    return (on, of.name, of.company_uuid, of.currency, *buckets, of.owed, of.overdue)
