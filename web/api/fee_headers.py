"""Headers by which a report says through which date its late fees are complete."""

from datetime import date
from typing import Any, Final

from django.http import HttpRequest

from ledger import as_of
from ledger.fee_lag import assessed_through
from web.protocol import response_headers

THROUGH: Final = "Fees-Assessed-Through"
COMPLETE: Final = "Fees-Complete"
FEE_HEADERS: Final[dict[str, Any]] = {
    "responses": {
        200: {
            "headers": {
                THROUGH: {
                    "description": "The last date whose late fees are complete; missing before the first.",
                    "schema": {"type": "string", "format": "date"},
                },
                COMPLETE: {
                    "description": "`false` if late fees of dates in the report are still to be assessed.",
                    "schema": {"type": "string", "enum": ["true", "false"]},
                },
            }
        }
    }
}
"""What the OpenAPI document has of a report with late fees."""


def set_fee_headers(request: HttpRequest, last_date: date | None = None, up_to: int | None = None) -> None:
    """Say whether the fees of all dates through the last one of the report are complete, as of a position or now."""
    through, cycled = assessed_through(up_to), as_of.last_cycled(up_to)
    newest: date | None = None if cycled is None else cycled.data.new_date
    wanted = newest if last_date is None or newest is None else min(last_date, newest)
    is_complete = wanted is None or (through is not None and through >= wanted)
    if through is not None:
        response_headers.set_header(request, THROUGH, str(through))
    response_headers.set_header(request, COMPLETE, str(is_complete).lower())
