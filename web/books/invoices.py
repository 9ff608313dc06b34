"""The page of an invoice: why it owes what it owes."""

from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ledger import states
from projectors.explain import sentences
from projectors.explain.product import explain_product
from web.books import charts, csv_export
from web.books.frame import Frame, NotFound, order, page, shown


@page
def invoice(request: HttpRequest, frame: Frame, product_uuid: UUID) -> HttpResponseBase:
    """Show why an invoice owes what it owes."""
    explained = explain_product(product_uuid, frame.cut, order(request))
    if explained is None:
        raise NotFound(f"There is no product {product_uuid} as of position {frame.cut.position}.")
    if csv_export.is_wanted(request):
        what = f"invoice-{explained.state.reference}"
        return csv_export.export_explanation(frame, what, explained.equation, explained.rows, ("principal", "fees"))
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
