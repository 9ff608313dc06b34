"""GET of the books: the journal, its sums, what is owed by age, and what happened by date."""

from datetime import date
from typing import Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from ledger import as_of as asof
from projectors.models import AgingBucket, DailyActivity, JournalLine
from projectors.queries import books
from projectors.queries.live import live, position_of, without_index
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
    JournalLine,
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
def journal(request: HttpRequest, which: Query[WhichLines]) -> HttpResponse:
    """Answer a page of the journal."""
    rows = live(JournalLine)
    if which.party_uuid is not None:
        rows = rows.filter(party_uuid=which.party_uuid)
    if which.account is not None:
        leads = which.party_uuid is not None
        rows = without_index(rows, "account", which.account) if leads else rows.filter(account=which.account)
    return page(request, _LINE, _booked(rows, which), which, ["position", "line"])


def _booked(rows: QuerySet[JournalLine], which: Between) -> QuerySet[JournalLine]:
    """Narrow to booking dates; by their positions, which rise with them and are indexed."""
    if which.from_ is not None:
        first = asof.booked_from(which.from_)
        rows = rows.none() if first is None else rows.filter(position__gt=first)
    if which.to is not None:
        last = asof.booked_to(which.to)
        rows = (
            rows.filter(booking_date__isnull=False)
            if last is None
            else rows.filter(booking_date__isnull=False, position__lte=last)
        )
    return rows


class OfSums(Paging):
    """As of when."""

    as_of: AsOf | None = None


_SUM: Final = Item(
    JournalLine,
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


def _up_to(request: HttpRequest, as_of: int | date | None) -> int | None:
    wanted = at_least = asof.resolve(as_of)
    if wanted is not None and isinstance(as_of, date):
        cycled = asof.last_cycled()
        if cycled is not None and cycled.data.new_date == as_of:
            at_least = cycled.position  # the date goes on, and so does the journal
    reflected = reached(request, lambda: position_of(JournalLine), at_least or 0)
    if wanted is None:
        return None
    response_headers.reflects(request, min(wanted, reflected))
    return min(wanted, reflected)


class OfAging(Paging):
    """Of which date."""

    business_date: BusinessDate | None = Field(None, description="Without it, the last date of which there is aging.")


_BUCKET: Final = Item(
    AgingBucket,
    same("business_date", "currency", "bucket", "principal", "fees", "products", "position"),
    amounts=("principal", "fees"),
)


@router.query("/aging", _BUCKET.page, "aging", "What is owed, by days past due")
def aging(request: HttpRequest, which: Query[OfAging]) -> HttpResponse:
    """Answer what was owed as the business date began, in buckets; of a date before the first there are none."""
    at_least = 0 if which.business_date is None else asof.began(which.business_date)
    reflected = reached(request, lambda: position_of(AgingBucket), at_least)
    wanted = which.business_date
    if wanted is None:
        cycled = asof.last_cycled(reflected)
        wanted = None if cycled is None else cycled.data.new_date
    rows = [] if wanted is None else books.aging(wanted)
    return whole(request, _BUCKET, rows, which, {"currency": None, "bucket": books.BUCKETS})


_DAY: Final = Item(
    DailyActivity,
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
    kinds={"business_date": response_schemas.shape(date)},
    doc="What happened on a business date in a currency; no currency of what moves no money.",
)


@router.query("/daily-activity", _DAY.page, "daily-activity", "What happened, by business date and currency")
def daily_activity(request: HttpRequest, which: Query[Between]) -> HttpResponse:
    """Answer a page of dates; what was before the first business date is told by no date and left out here."""
    rows = live(DailyActivity).filter(business_date__isnull=False)
    if which.from_ is not None:
        rows = rows.filter(business_date__gte=which.from_)
    if which.to is not None:
        rows = rows.filter(business_date__lte=which.to)
    return page(request, _DAY, rows, which, ["business_date", "currency"])
