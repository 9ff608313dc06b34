"""How many business dates the process manager late_fees is behind, and whether the fees of a report are complete."""

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


class FeeCompleteness(NamedTuple):
    """The last date whose fees a report has, and the last date with complete fees; None if there is no such date."""

    last_date: date | None
    assessed_through: date | None

    @property
    def is_complete(self) -> bool:
        """Whether the fees of the last date, and of all dates before it, are complete."""
        if self.last_date is None:
            return True
        return self.assessed_through is not None and self.assessed_through >= self.last_date


def fee_completeness(last_date: date | None = None, up_to: int | None = None) -> FeeCompleteness:
    """Return whether the fees of all dates through one, or through the last one cycled, are complete at a position."""
    cycled = last_cycled(up_to)
    newest: date | None = None if cycled is None else cycled.data.new_date
    wanted = newest if last_date is None or newest is None else min(last_date, newest)
    return FeeCompleteness(wanted, assessed_through(up_to))


def assessed_through(up_to: int | None = None, using: str = "default") -> date | None:
    """Return the last date with complete late fees, as of now or of a position; None if there is no such date."""
    assessed = store.last_of_type("LateFeesAssessed", up_to, using)
    business_date: date | None = None if assessed is None else assessed.data.business_date
    return business_date
