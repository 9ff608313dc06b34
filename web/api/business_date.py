"""GET /api/business-date: the last date that began, and how far its late fees are."""

from datetime import date

from django.http import HttpRequest, HttpResponse
from pydantic import Field

from eventstore import store
from ledger import as_of
from web.protocol.json_values import answer
from web.protocol.query_router import Queries
from web.protocol.read_your_writes import reached
from web.protocol.response_schemas import Moment, Told, shape

router = Queries("queries")


class BusinessDate(Told):
    """The calendar of the ledger."""

    business_date: shape(date) | None = Field(description="The last date cycled, null before the first.")  # type: ignore[valid-type]
    cycled_at: Moment | None = Field(description="When it began.")
    position: int | None = Field(description="Of its SystemCycled event.")
    fees_assessed_through: shape(date) | None = Field(description="The last date whose late fees are complete.")  # type: ignore[valid-type]


@router.query("/business-date", BusinessDate, "get-business-date", "The last date cycled")
def business_date(request: HttpRequest) -> HttpResponse:
    """Answer from the log itself."""
    head = reached(request, lambda: store.head().position)
    cycled, assessed = as_of.last_cycled(head), store.last_of_type("LateFeesAssessed", head)
    content = {
        "business_date": None if cycled is None else cycled.data.new_date,
        "cycled_at": None if cycled is None else cycled.recorded_at,
        "position": None if cycled is None else cycled.position,
        "fees_assessed_through": None if assessed is None else assessed.data.business_date,
    }
    return answer(content)
