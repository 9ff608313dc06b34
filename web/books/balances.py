"""The page of a balance: why a company, an asset or a funding account has it."""

from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ledger import states
from projectors.explain import sentences
from projectors.explain.balance import explain_balance
from projectors.explain.event import name_of
from projectors.explain.moment import booked_through
from web.books import csv_export
from web.books.frame import Frame, NotFound, page, shown, takes
from web.books.parameters import order


@page
@takes("order", "format")
def balance(request: HttpRequest, frame: Frame, category: str, uuid: UUID) -> HttpResponseBase:
    """Show why a balance is what it is."""
    explained = explain_balance(category, uuid, frame.cut, order(request))
    if explained is None:
        raise NotFound(f"There is no {category} {uuid} as of position {frame.cut.position}.")
    if csv_export.is_wanted(request):
        return csv_export.export_explanation(frame, f"{category}-{uuid}", explained.equation, explained.rows)
    owner = getattr(explained.state, "company_uuid", None)
    return shown(
        request,
        "balance.html",
        frame,
        "customers",
        explained=explained,
        sentence=sentences.of_balance(explained),
        name=name_of(explained.state),
        owner=owner,
        owner_name=states.company(owner, booked_through(frame.cut)).state.name if owner else "",
    )
