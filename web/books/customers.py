"""The pages of customers: who owes most, and one customer with a statement."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ledger import memberships, states
from projectors.explain.balance import explain_balance
from projectors.explain.customer import Standing, Statement, invoice_rows, standings, standings_of, statement
from projectors.queries.customers import RANKINGS, accounts_of, products_of
from projectors.queries.live import position
from web.books import csv_export
from web.books.frame import Frame, NotFound, Refused, date_of, page, shown, whole_number

_PAGE: Final = 100
_INVOICES: Final = 50
_PERIOD: Final = 30
"""Days that a statement covers unless another period is asked for."""
_HEADER: Final = ("date", "what", "invoice", "change", "balance", "currency", "position")


@page
def customers(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Rank customers by what they owe, owe overdue, or were charged, now or at the page's moment."""
    by = request.GET.get("by", "owed")
    if by not in RANKINGS:
        raise Refused(f"by={by} is not possible: it must be {', '.join(RANKINGS)}.")
    at = None if frame.is_now else frame.cut
    if csv_export.is_wanted(request):
        return csv_export.export(frame, "customers", _CUSTOMERS_HEADER, map(_customer_cells, standings(at, by)))
    start = whole_number(request.GET, "start", default=0)
    rows = list(standings(at, by, start=start, limit=_PAGE + 1))
    return shown(
        request,
        "customers.html",
        frame,
        "customers",
        rows=rows[:_PAGE],
        by=by,
        rankings=RANKINGS,
        next_start=start + _PAGE if len(rows) > _PAGE else None,
        behind=max(frame.cut.position - position("customers"), 0),
    )


_CUSTOMERS_HEADER: Final = (
    "customer",
    "company_uuid",
    "currency",
    "owed",
    "overdue",
    "fees",
    "fees_incurred",
    "invoices",
)


def _customer_cells(row: Standing) -> tuple[object, ...]:
    sums = (row.owed, row.overdue, row.fees, row.fees_incurred, row.invoices)
    return (row.name, row.company_uuid, row.currency, *sums)


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
        standings=standings_of(company_uuid, company.name, frame.cut),
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
