"""The page of aging: what was owed as a date began, by how long it was past due."""

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from projectors.explain import reports
from web.books import csv_export
from web.books.frame import Frame, page, shown

HEADER: Final = ("known", "business_date", "currency", "bucket", "principal", "fees", "owed", "products")


@page
def aging(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Show what was owed as the page's date began: as known then, and beside it as known now."""
    frame, on = frame.as_date_began, frame.business_date
    then = [] if on is None else reports.aging_then(on)
    now = [] if on is None else reports.aging_now(on, None if frame.cut.position == frame.head else frame.cut.position)
    if csv_export.is_wanted(request):
        both = (("then", then), ("now", now))
        rows = ((known, each.currency, bucket) for known, all_ in both for each in all_ for bucket in each.buckets)
        cells = ((known, on, unit, b.name, b.principal, b.fees, b.owed, b.products) for known, unit, b in rows)
        return csv_export.export(frame, "aging", HEADER, cells)
    context = {"now": now, "then": {each.currency: each for each in then}, "on": on}
    return shown(request, "aging.html", frame, "aging", **context)
