"""The page of aging: what was owed as a date began, by how long it was past due."""

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from projectors.explain import reports
from web.books import csv_export
from web.books.frame import Frame, page, shown

HEADER: Final = ("business_date", "currency", "bucket", "principal", "fees", "owed", "products")


@page
def aging(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Show what was owed as the page's date began."""
    on = frame.business_date
    currencies = [] if on is None else reports.aging(on)
    if csv_export.is_wanted(request):
        buckets = ((each.currency, bucket) for each in currencies for bucket in each.buckets)
        cells = ((on, currency, b.name, b.principal, b.fees, b.owed, b.products) for currency, b in buckets)
        return csv_export.export(frame, "aging", HEADER, cells)
    return shown(request, "aging.html", frame, "aging", currencies=currencies, on=on)
