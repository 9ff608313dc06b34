"""The pages of the trial balance and of the journal."""

from typing import Any, Final, Literal

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from projectors.explain.journal import MOST_BEFORE, Choice, JournalRow, journal_page, journal_rows
from projectors.explain.reports import trial_balances
from projectors.journal import ACCOUNTS
from projectors.queries.live import position
from web.books import csv_export
from web.books.frame import Frame, Refused, page, shown, takes
from web.books.parameters import period_of, uuid_of

_PAGE: Final = 200
_LONGEST_PLACE: Final = 24


@page
@takes("format")
def trial_balance(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Show the sums of all accounts."""
    currencies = trial_balances(None if frame.is_now else frame.cut)
    if csv_export.is_wanted(request):
        header = ("account", "currency", "debit", "credit", "net")
        cells = ((a.name, c.currency, a.debit, a.credit, a.net) for c in currencies for a in c.accounts)
        return csv_export.export(frame, "trial-balance", header, cells, reads=("journal",))
    return shown(
        request,
        "trial_balance.html",
        frame,
        "trial-balance",
        currencies=currencies,
        behind=max(frame.cut.position - position("journal"), 0),
    )


@page
@takes("account", "party", "from", "to", "by", "after", "format")
def journal(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Show the lines of the journal that match the filters, oldest first, with running totals by currency."""
    choice = _choice(request)
    if csv_export.is_wanted(request):
        cells = map(journal_cells, journal_rows(choice, frame.cut))
        return csv_export.export(frame, "journal", JOURNAL_HEADER, cells, reads=("journal",))
    after = _after(request)
    rows, is_from_first = journal_page(choice, frame.cut, after=after, limit=_PAGE + 1)
    return shown(
        request,
        "journal.html",
        frame,
        "journal",
        reads=("journal",),
        rows=rows[:_PAGE],
        is_first=after is None,
        is_from_first=is_from_first,
        most_before=MOST_BEFORE,
        choice=choice,
        accounts=ACCOUNTS,
        next_after=rows[_PAGE - 1].place if len(rows) > _PAGE else None,
    )


def _choice(request: HttpRequest) -> Choice:
    first, last = period_of(request)
    account = request.GET.get("account", "").strip() or None
    if account is not None and account not in ACCOUNTS:
        raise Refused(f"There is no account {account}; there are {', '.join(ACCOUNTS)}.")
    return Choice(account, uuid_of(request, "party"), first, last, _by(request))


def _by(request: HttpRequest) -> Literal["booking", "business"]:
    match request.GET.get("by", ""):
        case "" | "booking":
            return "booking"
        case "business":
            return "business"
        case other:
            raise Refused(f"by={other} is not possible: it must be booking or business.")


JOURNAL_HEADER: Final = (
    "position",
    "line",
    "event_type",
    "business_date",
    "booking_date",
    "account",
    "party_type",
    "party_uuid",
    "currency",
    "debit",
    "credit",
    "reference",
    "running",
)


def journal_cells(row: JournalRow) -> tuple[Any, ...]:
    """Return the cells of a line of the journal."""
    line = row.line
    dates = (row.position, line.line, row.event_type, row.business_date, row.booking_date)
    party = (line.account, line.party_type, line.party_uuid)
    return (*dates, *party, line.currency, line.debit, line.credit, line.reference, row.running)


def _after(request: HttpRequest) -> tuple[int, int] | None:
    text = request.GET.get("after", "")
    position, _, line = text.partition(".")
    if not text:
        return None
    if not (position.isdecimal() and line.isdecimal() and len(text) <= _LONGEST_PLACE):
        raise Refused(f"after={text} is not possible: it must be a position and a line, such as 12.1.")
    return int(position), int(line)
