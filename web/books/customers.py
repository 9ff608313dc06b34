"""The pages of customers: who owes most, and one customer with a statement."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ledger import memberships, states
from projectors.customers.rankings import RANKINGS
from projectors.explain.balance import accounts_at, explain_balance
from projectors.explain.customer import Place, Standing, Statement, some_standings, standings, standings_of
from projectors.explain.invoices import InvoiceRow, page_at, rows_now
from projectors.explain.moment import booked_through
from projectors.queries.invoices import Wanted
from projectors.queries.live import position
from web.books import csv_export
from web.books.frame import Frame, NotFound, Refused, page, shown, takes
from web.books.parameters import digits_of, period_of, whole_number

_PAGE: Final = 100
_INVOICES: Final = 50
_ACCOUNTS: Final = 50
_LINES: Final = 500
_PERIOD: Final = 30
"""Days that a statement covers unless another period is asked for."""
_HEADER: Final = ("date", "what", "invoice", "change", "balance", "currency", "position")


@page
@takes("by", "start", "format")
def customers(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Rank customers by what they owe, owe overdue, or were charged, now or at the page's moment."""
    by = request.GET.get("by", "owed")
    if by not in RANKINGS:
        raise Refused(f"by={by} is not possible: it must be {', '.join(RANKINGS)}.")
    at = None if frame.is_now else frame.cut
    if csv_export.is_wanted(request):
        cells = map(_customer_cells, standings(at, by))
        return csv_export.export(frame, "customers", _CUSTOMERS_HEADER, cells, reads=("customers",))
    start = whole_number(request.GET, "start", default=0)
    rows, is_certain = some_standings(at, by, start=start, limit=_PAGE + 1)
    return shown(
        request,
        "customers.html",
        frame,
        "customers",
        rows=rows[:_PAGE],
        is_certain=is_certain,
        by=by,
        rankings=_LABELS,
        next_start=start + _PAGE if len(rows) > _PAGE else None,
        behind=max(frame.cut.position - position("customers"), 0),
    )


_LABELS: Final = {"owed": "owed", "overdue": "overdue", "fees_incurred": "fees charged", "fees": "fees owed"}
"""The rankings as the headings of the table have them."""

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
@takes("from", "to", "after", "format")
def customer(request: HttpRequest, frame: Frame, company_uuid: UUID) -> HttpResponseBase:
    """Show a customer: what it owes, its balance, accounts and membership, its invoices, and a statement."""
    through = booked_through(frame.cut)
    company = states.company(company_uuid, frame.cut.position).state
    if not company.exists:
        raise NotFound(f"There is no company {company_uuid} as of position {frame.cut.position}.")
    before = states.company(company_uuid, through).state
    company = before if before.exists else company  # a name as of the date, if it had one
    first, last = period_of(request)
    if first is None and last is None and frame.business_date is not None:
        first = frame.business_date - timedelta(days=_PERIOD)
    account = Statement(company_uuid, frame.cut, first, last)
    if csv_export.is_wanted(request):
        return csv_export.export(frame, f"statement-{company.name}", _HEADER, _cells(account), reads=("customers",))
    after = _after(request)
    lines = list(account.lines(after, _LINES + 1))
    balance = explain_balance("company", company_uuid, frame.cut)
    return shown(
        request,
        "customer.html",
        frame,
        "customers",
        reads=("customers", "balances"),
        company=company,
        company_uuid=company_uuid,
        standings=standings_of(company_uuid, company.name, frame.cut),
        balance=None if balance is None else balance.equation,
        accounts=accounts_at(company_uuid, through, _ACCOUNTS),
        most_accounts=_ACCOUNTS,
        membership=memberships.lookup(company_uuid, through),
        invoices=_invoices(frame, company_uuid),
        opening=account.opening if after is None else {},
        lines=lines[:_LINES],
        closing=account.closing if len(lines) <= _LINES else {},
        next_after=lines[_LINES - 1].place if len(lines) > _LINES else None,
        is_first=after is None,
        first=first,
        last=last,
    )


def _invoices(frame: Frame, company_uuid: UUID) -> list[InvoiceRow]:
    wanted = Wanted(company_uuid=company_uuid)
    if frame.is_now:
        return list(rows_now(wanted, "due", limit=_INVOICES))
    return page_at(frame.cut, wanted, None, _INVOICES).rows


def _after(request: HttpRequest) -> Place | None:
    text = request.GET.get("after", "")
    on, _, position = text.partition("~")
    if not text:
        return None
    try:
        return (date.fromisoformat(on) if on else None), digits_of(position)
    except ValueError as error:
        raise Refused(f"after={text} is not possible: it must be from a link of this statement.") from error


def _cells(account: Statement) -> Iterator[tuple[object, ...]]:
    for unit, amount in account.opening.items():
        yield (None, "opening", "", None, amount, unit, None)
    for line in account.lines():
        yield (line.on, line.what, line.invoice, line.change, line.balance, line.currency, line.position)
