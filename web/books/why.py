"""The page that says why a late fee was charged on a date, or why not."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from processmanagers.why import why as explain_why
from web.books.frame import Frame, NotFound, Refused, date_of, page, shown, uuid_of


@page
def why(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Show each condition of a fee, ticked or not."""
    product_uuid, on = uuid_of(request, "product"), date_of(request, "date")
    if product_uuid is None or on is None:
        raise Refused("Name the product and the date, as in ?product=<uuid>&date=2026-01-31.")
    answer = explain_why(product_uuid, on)
    if answer is None:
        raise NotFound(f"There is no product {product_uuid}.")
    return shown(request, "why.html", frame, "invoices", answer=answer)
