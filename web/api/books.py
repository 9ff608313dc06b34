"""GET of the books: the journal, its sums, what is owed by age, and what happened by date."""

from datetime import date
from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from eventstore import store
from ledger import as_of
from projectors.queries import books
from projectors.queries.live import position
from web.api.items import Item, same
from web.protocol import response_headers, response_schemas
from web.protocol.paging import Paging, page, whole
from web.protocol.query_parameters import AsOf, BusinessDate, Text, Uuid
from web.protocol.query_router import Queries
from web.protocol.read_your_writes import reached

router = Queries("read models")


class Between(Paging):
    """Which dates."""

    from_: BusinessDate | None = Field(None, alias="from", description="On this date or later.")
    to: BusinessDate | None = Field(None, description="On this date or earlier.")


class WhichLines(Between):
    """Which lines of the journal, by their booking date."""

    account: Text | None = None
    party_uuid: Uuid | None = None


_LINE: Final = Item(
    books.journal(),
    same(
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
    ),
    amounts=("debit", "credit"),
)


@router.query("/journal", _LINE.page, "list-journal", "The double-entry journal")
def list_journal(request: HttpRequest, which: Query[WhichLines]) -> HttpResponse:
    """Answer a page of the journal."""
    rows = books.journal(
        account=which.account, party_uuid=which.party_uuid, booked_from=which.from_, booked_to=which.to
    )
    return page(request, _LINE, rows, which, ["position", "line"])


class OfSums(Paging):
    """As of when."""

    as_of: AsOf | None = None


_SUM: Final = Item(
    books.journal(),
    same("account", "currency", "debit", "credit"),
    amounts=("debit", "credit"),
    name="TrialBalanceLine",
    doc="An account of the journal in one currency: the sum of all its debits, and that of all its credits.",
)


@router.query("/trial-balance", _SUM.page, "trial-balance", "Sums of the journal, now or as of then")
def trial_balance(request: HttpRequest, which: Query[OfSums]) -> HttpResponse:
    """Answer the sums by account and currency, of all lines up to a position or to the end of a business date."""
    lines = books.trial_balance(_up_to(request, which.as_of))
    return whole(request, _SUM, lines, which, {"account": None, "currency": None})


def _up_to(request: HttpRequest, moment: int | date | None) -> int | None:
    """Return the position up to which the journal is summed, None for all of it; raises Problem if it is behind."""
    head = 0 if moment is None else store.head().position
    wanted = at_least = as_of.resolve(moment, head)
    if wanted is not None and isinstance(moment, date):
        cycled = as_of.last_cycled(head)
        if cycled is not None and cycled.data.new_date == moment:
            at_least = cycled.position  # The date is not over: the answer is as far as the journal is.
    reflected = reached(request, lambda: position("journal"), at_least or 0)
    if wanted is None:
        return None
    response_headers.reflects(request, min(wanted, reflected))
    return min(wanted, reflected)


class OfAging(Paging):
    """Of which date."""

    business_date: BusinessDate | None = Field(None, description="Without it, the last date of which there is aging.")


_BUCKET: Final = Item(
    books.aging(),
    same("business_date", "currency", "bucket", "principal", "fees", "products", "position"),
    amounts=("principal", "fees"),
)


@router.query("/aging", _BUCKET.page, "aging", "What is owed, by days past due")
def aging(request: HttpRequest, which: Query[OfAging]) -> HttpResponse:
    """Answer what was owed as the business date began, in buckets; of a date before the first there are none."""
    at_least = 0 if which.business_date is None else as_of.began(which.business_date)
    reflected = reached(request, lambda: position("aging"), at_least)
    wanted = which.business_date
    if wanted is None:
        cycled = as_of.last_cycled(reflected)
        wanted = None if cycled is None else cycled.data.new_date
    rows = [] if wanted is None else books.aging(wanted)
    return whole(request, _BUCKET, rows, which, {"currency": None, "bucket": books.BUCKETS})


_DAY: Final = Item(
    books.daily_activity(),
    same(
        "business_date",
        "currency",
        "events",
        "fees_assessed",
        "fees_waived",
        "granted",
        "paid_in",
        "paid_out",
        "position",
    ),
    amounts=("fees_assessed", "fees_waived", "granted", "paid_in", "paid_out"),
    types={"business_date": response_schemas.shape(date)},
    doc="What happened on a business date in a currency; no currency of what moves no money.",
)


@router.query("/daily-activity", _DAY.page, "daily-activity", "What happened, by business date and currency")
def daily_activity(request: HttpRequest, which: Query[Between]) -> HttpResponse:
    """Answer a page of dates; what was before the first business date is told by no date and left out here."""
    rows = books.daily_activity(which.from_, which.to)
    return page(request, _DAY, rows, which, ["business_date", "currency"])
