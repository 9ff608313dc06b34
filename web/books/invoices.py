"""The pages of invoices: the list of what is owed, and why one owes what it owes."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ledger import states
from projectors.explain import sentences
from projectors.explain.customer import invoice_rows
from projectors.explain.product import explain_product
from projectors.queries.products import in_order_of_due_date
from web.books import charts, csv_export
from web.books.frame import Frame, NotFound, Refused, date_of, order, page, shown, whole_number

_PAGE: Final = 100
_FURTHEST: Final = 10_000


@page
def invoices(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """List the invoices that owe something, in order of due date."""
    first, last = date_of(request, "due_from"), date_of(request, "due_to")
    overdue = request.GET.get("overdue", "") == "yes"
    rows = in_order_of_due_date(overdue_on=frame.business_date if overdue else None, due_from=first, due_to=last)
    if csv_export.is_wanted(request):
        header = (
            "reference",
            "product_uuid",
            "customer",
            "due_date",
            "status",
            "currency",
            "principal",
            "fees",
            "owed",
        )
        return csv_export.export(frame.present, "invoices", header, _cells(rows.iterator(1000)))
    start = whole_number(request.GET, "start", default=0)
    if start > _FURTHEST:
        raise Refused(f"start={start} is not possible: a list is paged to {_FURTHEST}; choose due dates instead.")
    found = invoice_rows(rows[start : start + _PAGE + 1])
    return shown(
        request,
        "invoices.html",
        frame,
        "invoices",
        rows=found[:_PAGE],
        next_start=start + _PAGE if len(found) > _PAGE else None,
        overdue=overdue,
        first=first,
        last=last,
    )


def _cells(products: Iterator[Any]) -> Iterator[tuple[object, ...]]:
    while some := list(islice(products, 1000)):
        for row in invoice_rows(some):
            name = (row.reference, row.product_uuid, row.obligor, row.due_date, row.status)
            yield (*name, row.currency, row.principal, row.fees, row.owed)


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
