"""Headers by which a report says through which date its late fees are complete."""

from datetime import date
from typing import Any, Final

from django.http import HttpRequest

from ledger.fee_lag import fee_completeness
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
    fees = fee_completeness(last_date, up_to)
    if fees.assessed_through is not None:
        response_headers.set_header(request, THROUGH, str(fees.assessed_through))
    response_headers.set_header(request, COMPLETE, str(fees.is_complete).lower())
