"""The pages of customers: who owes most, and one customer with a statement."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ledger import memberships, states
from projectors.explain.balance import explain_balance
from projectors.explain.customer import Statement, invoice_rows, standing, standings, statement
from projectors.queries.customers import RANKINGS, accounts_of, products_of, sums_of
from web.books import csv_export
from web.books.frame import Frame, NotFound, Refused, date_of, page, shown

_PAGE: Final = 100
_INVOICES: Final = 50
_PERIOD: Final = 30
"""Days that a statement covers unless another period is asked for."""
_HEADER: Final = ("date", "what", "invoice", "change", "balance", "currency", "position")


@page
def customers(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Rank customers by what they owe, owe overdue, or were charged."""
    by = request.GET.get("by", "owed")
    if by not in RANKINGS:
        raise Refused(f"by={by} is not possible: it must be {', '.join(RANKINGS)}.")
    rows = standings(by, limit=_PAGE)
    if csv_export.is_wanted(request):
        header = ("customer", "company_uuid", "currency", "owed", "overdue", "fees", "fees_incurred", "invoices")
        cells = (
            (r.name, r.company_uuid, r.currency, r.owed, r.overdue, r.fees, r.fees_incurred, r.invoices) for r in rows
        )
        return csv_export.export(frame.present, "customers", header, cells)
    return shown(request, "customers.html", frame, "customers", rows=rows, by=by, rankings=RANKINGS, most=_PAGE)


@page
def customer(request: HttpRequest, frame: Frame, company_uuid: UUID) -> HttpResponseBase:
    """Show a customer: what it owes, its balance, accounts and membership, its invoices, and a statement."""
    company = states.company(company_uuid, frame.cut.position).state
    if not company.exists:
        raise NotFound(f"There is no company {company_uuid} as of position {frame.cut.position}.")
    first, last = date_of(request, "from"), date_of(request, "to")
    if first is not None and last is not None and first > last:
        raise Refused(f"from={first} is after to={last}.")
    if first is None and last is None and frame.business_date is not None:
        first = frame.business_date - timedelta(days=_PERIOD)
    account = statement(company_uuid, frame.cut, first, last)
    if csv_export.is_wanted(request):
        return csv_export.export(frame, f"statement-{company.name}", _HEADER, _cells(account))
    balance = explain_balance("company", company_uuid, frame.cut)
    return shown(
        request,
        "customer.html",
        frame,
        "customers",
        company=company,
        company_uuid=company_uuid,
        standings=[standing(row, company.name) for row in sums_of(company_uuid)],
        balance=None if balance is None else balance.equation,
        accounts=accounts_of(company_uuid),
        membership=memberships.lookup(company_uuid, frame.cut.position),
        invoices=invoice_rows(products_of(company_uuid)[:_INVOICES]),
        statement=account,
        first=first,
        last=last,
    )


def _cells(account: Statement) -> list[tuple[object, ...]]:
    opening = [(None, "opening", "", None, amount, unit, None) for unit, amount in account.opening.items()]
    lines = [(r.on, r.what, r.invoice, r.change, r.balance, r.currency, r.position) for r in account.lines]
    return [*opening, *lines]
