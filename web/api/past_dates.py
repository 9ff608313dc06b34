"""How a report of a past date is asked for: `as_of` names a position or a date, `known` what was known of it."""

from datetime import date
from typing import Final

from django.http import HttpRequest
from pydantic import Field

from eventstore import store
from ledger import as_of
from projectors.queries.known import Known
from projectors.queries.live import position
from web.protocol import response_headers
from web.protocol.read_your_writes import wait_for_position

KNOWN: Final = Field(
    Known.NOW,
    description=(
        "How past dates are known. `now`: everything recorded by now, by the date that it counts for. `then`: only what"
        " had been recorded when the date ended, or for the aging report when it began."
    ),
)


def position_and_date(
    request: HttpRequest, moment: int | date | None, known: Known, projector: str
) -> tuple[int | None, date | None]:
    """Return the position up to which events count, and the business date up to which they count.

    None is no limit. Raises Problem if the read model is behind.
    """
    head = 0 if moment is None else store.durable_head()
    wanted = at_least = as_of.resolve(moment, head)
    if wanted is not None and isinstance(moment, date):
        cycled = as_of.last_cycled(head)
        if cycled is not None and cycled.data.new_date == moment:
            at_least = cycled.position  # The date is not over: the answer is as far as the read model is.
    reflected = wait_for_position(request, lambda: position(projector), at_least or 0)
    if wanted is None:
        return None, None
    if isinstance(moment, date) and known is Known.NOW:
        return reflected, moment
    response_headers.set_position(request, min(wanted, reflected))
    return min(wanted, reflected), None
