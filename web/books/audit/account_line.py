"""The page that explains a line of the trial balance."""

from collections.abc import Iterator
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from projectors.explain.accounts.choice import AccountChoice
from projectors.explain.accounts.line import MOST_LINES, AccountExplanation, explain_account
from projectors.journal import ACCOUNTS
from web.books import csv_export
from web.books.frame import Frame, NotFound, page, shown, takes
from web.books.parameters import period_of, uuid_of

_HEADER: Final = ("row", "name", "party_type", "party_uuid", "lines", "debit", "credit", "net", "currency")


@page
@takes("party", "from", "to", "format")
def account_line(request: HttpRequest, frame: Frame, account: str, currency: str) -> HttpResponseBase:
    """Show why an account stands where it does in a currency: opening, debits, credits, closing, and what made them."""
    if account not in ACCOUNTS:
        raise NotFound(f"There is no account {account}; there are {', '.join(ACCOUNTS)}.")
    first, last = period_of(request)
    choice = AccountChoice(account, currency, uuid_of(request, "party"), first, last)
    explained = explain_account(choice, frame.cut)
    if explained is None:
        whose = "" if choice.party_uuid is None else f" of party {choice.party_uuid}"
        raise NotFound(f"{account} has no line{whose} in {currency} as of position {frame.cut.position}.")
    if csv_export.is_wanted(request):
        return csv_export.export(frame, f"{account}-{currency}", _HEADER, _cells(explained), reads=("journal",))
    context = {"explained": explained, "choice": choice, "most_lines": MOST_LINES}
    return shown(request, "account_line.html", frame, "trial-balance", reads=("journal",), **context)


def _cells(explained: AccountExplanation) -> Iterator[tuple[Any, ...]]:
    unit = explained.equation.unit
    for term in explained.equation.terms:
        yield (term.name, "", "", None, None, None, None, term.signed, unit)
    for kind, groups in (("event type", explained.by_event), ("party", explained.by_party)):
        for group in groups or ():
            party = (group.name, group.party_type, group.party_uuid)
            yield (kind, *party, group.lines, group.debit, group.credit, group.net, unit)
    yield ("closing", "", "", None, None, None, None, explained.equation.total, unit)
