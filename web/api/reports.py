"""GET of the reports: the journal, the trial balance, the aging report and the daily activity."""

from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from ledger import as_of
from projectors.journal import ACCOUNTS
from projectors.queries import aging, reports
from projectors.queries import trial_balance as sums
from projectors.queries.known import Known
from projectors.queries.live import position
from web.api.fee_headers import FEE_HEADERS, set_fee_headers
from web.api.items import Item, same
from web.api.paging import Paging, keyset_page, sorted_page
from web.api.past_dates import KNOWN, position_and_date
from web.protocol import response_schemas
from web.protocol.query_parameters import AsOf, BusinessDate, Uuid, check_period
from web.protocol.query_router import QueryRouter
from web.protocol.read_your_writes import wait_for_position

router = QueryRouter("read models")


if TYPE_CHECKING:
    Account = str
else:
    Account = Literal[ACCOUNTS]
"""An account of the journal."""


class DateRange(Paging):
    """A range of dates."""

    from_: BusinessDate | None = Field(None, alias="from", description="The first date.")
    to: BusinessDate | None = Field(None, description="The last date.")

    def check(self) -> None:
        """Raise Problem if the range has no date."""
        check_period(self.from_, self.to)


class JournalFilters(DateRange):
    """The filters of the journal; the dates are booking dates."""

    account: Account | None = None
    party_uuid: Uuid | None = None


_LINE: Final = Item(
    reports.journal(),
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
def list_journal(request: HttpRequest, parameters: Query[JournalFilters]) -> HttpResponse:
    """Answer a page of the journal."""
    parameters.check()
    rows = reports.journal(
        account=parameters.account,
        party_uuid=parameters.party_uuid,
        booked_from=parameters.from_,
        booked_to=parameters.to,
    )
    return keyset_page(request, _LINE, rows, parameters, ["position", "line"])


class TrialBalanceParameters(Paging):
    """The parameters of the trial balance."""

    as_of: AsOf | None = None
    known: Known = KNOWN


_SUM: Final = Item(
    reports.journal(),
    same("account", "currency", "debit", "credit"),
    amounts=("debit", "credit"),
    name="TrialBalanceLine",
    doc="An account of the journal in one currency, with the sum of all its debits and of all its credits.",
)


@router.query(
    "/trial-balance",
    _SUM.page,
    "trial-balance",
    "The sums of the journal by account and currency, now or as of a position or date",
    extra=FEE_HEADERS,
)
def get_trial_balance(request: HttpRequest, parameters: Query[TrialBalanceParameters]) -> HttpResponse:
    """Answer the sums of the journal, up to a position or for a business date if one is given."""
    up_to, business_date = position_and_date(request, parameters.as_of, parameters.known, "journal")
    set_fee_headers(request, business_date, up_to)
    lines = sums.trial_balance(up_to, business_date=business_date)
    return sorted_page(request, _SUM, lines, parameters, {"account": None, "currency": None})


class AgingParameters(Paging):
    """The parameters of the aging report."""

    business_date: BusinessDate | None = Field(None, description="The default is the last date that the report has.")
    known: Known = KNOWN


_BUCKET: Final = Item(
    reports.aging(),
    same("business_date", "currency", "bucket", "principal", "fees", "products", "position"),
    amounts=("principal", "fees"),
)


@router.query("/aging", _BUCKET.page, "aging", "The aging report: what is owed, by days past due", extra=FEE_HEADERS)
def get_aging(request: HttpRequest, parameters: Query[AgingParameters]) -> HttpResponse:
    """Answer what was owed at the beginning of the business date, by days past due; nothing before the first date."""
    at_least = 0 if parameters.business_date is None else as_of.began(parameters.business_date)
    is_known_now = parameters.known is Known.NOW
    names = ("aging", "customers") if is_known_now else ("aging",)
    reflected = wait_for_position(request, lambda: position(*names), at_least)
    wanted = parameters.business_date
    if wanted is None:
        cycled = as_of.last_cycled(reflected)
        wanted = None if cycled is None else cycled.data.new_date
    report = partial(aging.as_known_now, up_to=reflected) if is_known_now else aging.as_known_then
    rows = [] if wanted is None else report(wanted)
    # The fees of a date come after its beginning.
    set_fee_headers(request, None if wanted is None else wanted - timedelta(days=1), reflected)
    return sorted_page(request, _BUCKET, rows, parameters, {"currency": None, "bucket": reports.BUCKETS})


class ActivityParameters(DateRange):
    """The parameters of the daily activity."""

    known: Known = KNOWN


_DAY: Final = Item(
    reports.daily_activity(),
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
    types={"business_date": response_schemas.type_of(date)},
    doc="The activity of a business date in one currency, or without a currency if no money moved.",
)


@router.query(
    "/daily-activity", _DAY.page, "daily-activity", "The activity of each business date, by currency", extra=FEE_HEADERS
)
def list_daily_activity(request: HttpRequest, parameters: Query[ActivityParameters]) -> HttpResponse:
    """Answer a page of dates. What happened before the first business date has no date and is left out."""
    parameters.check()
    set_fee_headers(request, parameters.to)
    rows = reports.daily_activity(parameters.from_, parameters.to)
    is_known_now = parameters.known is Known.NOW
    change = None if is_known_now else reports.known_then
    return keyset_page(request, _DAY, rows, parameters, ["business_date", "currency"], change=change)
