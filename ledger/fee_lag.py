"""How many business dates the process manager late_fees is behind."""

from datetime import date
from typing import Final, NamedTuple

from eventstore import store
from eventstore.consumers import checkpoints
from ledger.as_of import last_cycled

LATE_FEES: Final = "late_fees"


class FeeLag(NamedTuple):
    """How many dates have begun without complete fees, and the last date with complete fees."""

    dates: int
    assessed_through: date | None

    def __str__(self) -> str:
        through = f"complete through {self.assessed_through}" if self.assessed_through else "not complete for any date"
        return f"late_fees is {self.dates} dates behind: late fees are {through}"


def fee_lag(using: str = "default") -> FeeLag | None:
    """Return how far late_fees is behind the last date cycled; None if it was never registered."""
    position = checkpoints.position_of(LATE_FEES)
    if position is None:
        return None
    newest, handled = last_cycled(using=using), last_cycled(position, using)
    dates = (0 if newest is None else newest.version) - (0 if handled is None else handled.version)
    return FeeLag(dates, assessed_through(using=using))


def assessed_through(up_to: int | None = None, using: str = "default") -> date | None:
    """Return the last date with complete late fees, as of now or of a position; None if there is no such date."""
    assessed = store.last_of_type("LateFeesAssessed", up_to, using)
    business_date: date | None = None if assessed is None else assessed.data.business_date
    return business_date
