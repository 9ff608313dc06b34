"""GET /api/business-date: the last date that began, and how far its late fees are."""

from datetime import date, datetime

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from eventstore import store
from ledger import asof
from ledger.api.answers import answer
from ledger.api.schemas import NOT_READ
from ledger.api.waiting import reached

router = Router(tags=["queries"])


class BusinessDate(Schema):
    """The calendar of the ledger; nulls before the first date."""

    business_date: date | None
    cycled_at: datetime | None
    position: int | None
    fees_assessed_through: date | None


@router.get(
    "/business-date",
    response={200: BusinessDate, **NOT_READ},
    operation_id="get-business-date",
    summary="The last date cycled",
)
def business_date(request: HttpRequest) -> HttpResponse:
    """Answer from the log itself."""
    head = reached(request, lambda: store.head().position)
    cycled, assessed = asof.last_cycled(head), store.last_of_type("LateFeesAssessed", head)
    content = {
        "business_date": None if cycled is None else cycled.data.new_date,
        "cycled_at": None if cycled is None else cycled.recorded_at,
        "position": None if cycled is None else cycled.position,
        "fees_assessed_through": None if assessed is None else assessed.data.business_date,
    }
    return answer(content, head)
