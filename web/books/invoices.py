"""The pages of invoices: the list, and why one owes what it owes."""

from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ledger import states
from projectors.explain import sentences
from projectors.explain.figures import Order
from projectors.explain.product import explain_product
from web.books import charts
from web.books.frame import Frame, NotFound, Refused, page, shown

_ORDERS: dict[str, Order] = {"": "counts", "counts": "counts", "recorded": "recorded"}


@page
def invoice(request: HttpRequest, frame: Frame, product_uuid: UUID) -> HttpResponseBase:
    """Show why an invoice owes what it owes."""
    asked = request.GET.get("order", "")
    if asked not in _ORDERS:
        raise Refused(f"order={asked} is not possible: it must be counts or recorded.")
    explained = explain_product(product_uuid, frame.cut, _ORDERS[asked])
    if explained is None:
        raise NotFound(f"There is no product {product_uuid}.")
    parties = [
        (each.role, each.company_uuid, states.company(each.company_uuid, frame.cut.position).state.name)
        for each in explained.companies
    ]
    return shown(
        request,
        "invoice.html",
        frame,
        "invoices",
        explained=explained,
        parties=parties,
        sentence=sentences.of_product(explained, frame.business_date),
        chart=charts.of_product(explained, frame.business_date),
    )
