"""The pages of invoices: the list of what is owed, and why one owes what it owes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ledger import states
from ledger.currencies import MINOR_DIGITS
from projectors.explain import sentences
from projectors.explain.invoices import InvoiceRow, Page, page_at, rows_at, rows_now, totals_of
from projectors.explain.moment import booked_through, named_at
from projectors.explain.product import explain_product
from projectors.queries.customers import names_of
from projectors.queries.invoices import MOST_LOOKED_AT, ORDERS, OWING, STATUSES, Place, Wanted, has_currency
from projectors.queries.live import position
from projectors.queries.search import find
from web.books import charts, csv_export
from web.books.frame import Frame, NotFound, Refused, page, shown, takes
from web.books.parameters import digits_of, order, period_of

_PAGE: Final = 100
_LONGEST_NAME: Final = 200
_MOST_NAMES: Final = 5


@page
@takes("status", "customer", "currency", "due_from", "due_to", "overdue", "by", "after", "format")
def invoices(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """List invoices now, in several orders, or what owed something at a past moment, in order of due date."""
    wanted, by = _wanted(request, frame), _order(request, frame)
    sums = totals_of(wanted) if frame.is_now else []
    if by != "due" and wanted.currency is None and sums:
        wanted = replace(wanted, currency=sums[0].currency)  # Amounts of two currencies have no order.
    if csv_export.is_wanted(request):
        rows = rows_now(wanted, by) if frame.is_now else rows_at(frame.cut, wanted)
        cells = (_cells(frame, row) for row in rows)
        return csv_export.export(frame, "invoices", _header(frame), cells, reads=("customers",))
    after = _after(request, by)
    return shown(
        request,
        "invoices.html",
        frame,
        "invoices",
        page=_page(frame, wanted, by, after),
        wanted=wanted,
        by=by,
        orders=tuple(ORDERS),
        statuses=STATUSES,
        totals=sums,
        overdue=_is_overdue(request),
        customer=request.GET.get("customer", ""),
        customer_name=_name(frame, wanted),
        is_first=after is None,
        looked_at=MOST_LOOKED_AT,
        behind=max(frame.cut.position - position("customers"), 0),
    )


def _name(frame: Frame, wanted: Wanted) -> str:
    """Return the name that the customer of a list had at the page's moment; an empty text if it is of all."""
    company, at = wanted.company_uuid, () if frame.is_now else named_at(frame.cut)
    return "" if company is None else names_of({company}, at).get(company, "")


def _page(frame: Frame, wanted: Wanted, by: str, after: Place | None) -> Page:
    if not frame.is_now:
        return page_at(frame.cut, wanted, after, _PAGE)
    rows = list(rows_now(wanted, by, after, _PAGE + 1))
    return Page(rows[:_PAGE], rows[_PAGE - 1].place if len(rows) > _PAGE else None)


def _wanted(request: HttpRequest, frame: Frame) -> Wanted:
    status = request.GET.get("status", "") or OWING
    if status not in STATUSES:
        raise Refused(f"status={status} is not possible: it must be {', '.join(STATUSES)}.")
    if status != OWING and not frame.is_now:
        raise Refused(f"status={status} is not possible: a list of the past has what owed something then.")
    first, last = period_of(request, "due_from", "due_to")
    if _is_overdue(request) and frame.business_date is not None:
        before = frame.business_date - timedelta(days=1)
        last = before if last is None else min(last, before)
    return Wanted(status, _customer(request), _currency(request), first, last)


def _is_overdue(request: HttpRequest) -> bool:
    asked = request.GET.get("overdue", "")
    if asked not in {"", "yes"}:
        raise Refused(f"overdue={asked} is not possible: it must be yes, or left out.")
    return asked == "yes"


def _currency(request: HttpRequest) -> str | None:
    """Return the currency that is named; raises Refused if there is none of that name, also no retired one."""
    asked = request.GET.get("currency", "").strip().upper()
    if asked and asked not in MINOR_DIGITS and not has_currency(asked):
        raise Refused(f"There is no currency {asked}: its name has three letters, such as USD.")
    return asked or None


def _customer(request: HttpRequest) -> UUID | None:
    """Return the customer that is named by its uuid or by its name; raises Refused unless there is exactly one."""
    text = request.GET.get("customer", "").strip()
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        found = find(text[:_LONGEST_NAME].replace("\x00", ""), limit=_MOST_NAMES + 1, kinds=("company",))
    exact = [hit for hit in found if hit.text == text]
    if len(exact or found) == 1:
        return (exact or found)[0].uuid
    if not found:
        raise Refused(f"No company is named {text}: give the beginning of each word of its name, or its uuid.")
    names = ", ".join(hit.text for hit in found[:_MOST_NAMES])
    raise Refused(f"customer={text} names more than one company: {names}{' …' if len(found) > _MOST_NAMES else ''}.")


def _order(request: HttpRequest, frame: Frame) -> str:
    by = request.GET.get("by", "") or "due"
    if by not in ORDERS:
        raise Refused(f"by={by} is not possible: it must be {', '.join(ORDERS)}.")
    if by != "due" and not frame.is_now:
        raise Refused(f"by={by} is not possible: a list of the past is in order of due date.")
    if by != "due" and request.GET.get("status", "") not in {"", OWING, "open"}:
        raise Refused(f"by={by} is not possible with this status: only what owes something is ordered by amounts.")
    return by


def _after(request: HttpRequest, by: str) -> Place | None:
    text = request.GET.get("after", "")
    if not text:
        return None
    value, _, uuid = text.partition("~")
    try:
        return (date.fromisoformat(value) if by == "due" else digits_of(value)), UUID(uuid)
    except ValueError as error:
        raise Refused(f"after={text} is not possible: it must be from a link of this list.") from error


_HEADER: Final = (
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


def _header(frame: Frame) -> Sequence[str]:
    """Return the heading of the list; the status is known of now only, so a list of the past has none."""
    return [name for name in _HEADER if frame.is_now or name != "status"]


def _cells(frame: Frame, row: InvoiceRow) -> tuple[object, ...]:
    status = (row.status,) if frame.is_now else ()
    name = (row.reference, row.product_uuid, row.obligor, row.due_date, *status)
    return (*name, row.currency, row.principal, row.fees, row.owed)


@page
@takes("order", "format")
def invoice(request: HttpRequest, frame: Frame, product_uuid: UUID) -> HttpResponseBase:
    """Show why an invoice owes what it owes."""
    explained = explain_product(product_uuid, frame.cut, order(request))
    if explained is None:
        raise NotFound(f"There is no product {product_uuid} as of position {frame.cut.position}.")
    if csv_export.is_wanted(request):
        what = f"invoice-{explained.state.reference}"
        return csv_export.export_explanation(frame, what, explained.equation, explained.rows, ("principal", "fees"))
    through = booked_through(frame.cut)
    parties = [
        (each.role, each.company_uuid, states.company(each.company_uuid, through).state.name)
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
