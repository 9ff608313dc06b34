"""The page that says why a late fee was charged on a date, or why not."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from processmanagers.why import why as explain_why
from projectors.explain.event import words_of
from web.books import csv_export
from web.books.frame import Frame, NotFound, Refused, page, shown, takes
from web.books.parameters import date_of, uuid_of


@page
@takes("product", "date", "format")
def why(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Show each condition of a fee, ticked or not."""
    product_uuid, on = uuid_of(request, "product"), date_of(request, "date")
    if product_uuid is None or on is None:
        raise Refused("Name the product and the date, as in ?product=<uuid>&date=2026-01-31.")
    answer = explain_why(product_uuid, on, None if frame.is_now else frame.cut.position)
    if answer is None:
        raise NotFound(f"There is no product {product_uuid} as of position {frame.cut.position}.")
    if csv_export.is_wanted(request):
        rows = ((c.asks, "yes" if c.is_met else "no", c.figures, c.position) for c in answer.conditions)
        header = ("condition", "met", "figures", "event")
        return csv_export.export(frame, f"why-{answer.reference}-{on}", header, rows)
    later = [(event, words_of(event)) for event in answer.later]
    return shown(request, "why.html", frame, "invoices", answer=answer, later=later)
