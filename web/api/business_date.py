"""GET /api/business-date: the last date cycled, and the last date whose late fees are complete."""

from datetime import date

from django.http import HttpRequest, HttpResponse
from pydantic import Field

from eventstore import store
from ledger import as_of
from ledger.fee_lag import assessed_through
from web.protocol.json_values import json_response
from web.protocol.query_router import QueryRouter
from web.protocol.read_your_writes import wait_for_position
from web.protocol.response_schemas import ResponseSchema, Timestamp, type_of

router = QueryRouter("queries")


class BusinessDate(ResponseSchema):
    """The current business date."""

    business_date: type_of(date) | None = Field(description="The last date cycled; null before the first.")  # type: ignore[valid-type] # made at run time
    cycled_at: Timestamp | None = Field(description="When the date began.")
    position: int | None = Field(description="The position of its SystemCycled event.")
    fees_assessed_through: type_of(date) | None = Field(description="The last date whose late fees are complete.")  # type: ignore[valid-type]


@router.query("/business-date", BusinessDate, "get-business-date", "The last date cycled")
def get_business_date(request: HttpRequest) -> HttpResponse:
    """Answer from the log itself."""
    head = wait_for_position(request, store.durable_head)
    cycled = as_of.last_cycled(head)
    content = {
        "business_date": None if cycled is None else cycled.data.new_date,
        "cycled_at": None if cycled is None else cycled.recorded_at,
        "position": None if cycled is None else cycled.position,
        "fees_assessed_through": assessed_through(head),
    }
    return json_response(content)
