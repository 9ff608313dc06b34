"""The activity of dates as it was known at a position, taken from the sums of the journal.

The read model of the activity has one row for each date, with all that is recorded by now. What a date moved as known
at a position is the trial balance of that date, less that of the date before, both as known at the position.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

from projectors.queries.trial_balance import TrialBalanceLine, trial_balances_of

_DAY: Final = timedelta(days=1)
_COLUMNS: Final = {
    "clearing_in": ("paid_in", 1),
    "clearing_out": ("paid_out", -1),
    "late_fee_income": ("fees_assessed", -1),
    "late_fee_waivers": ("fees_waived", 1),
}
"""By account: the sum of a date that its debits less credits are, and their sign."""
_GRANTED: Final = "grants_in_transit"
_Sums = dict[tuple[str, int], dict[str, int]]


class Activity(NamedTuple):
    """The sums of a date in a currency, in minor units."""

    business_date: date
    currency: str
    minor_digits: int
    paid_in: int
    paid_out: int
    granted: int
    fees_assessed: int
    fees_waived: int


def activity_at(position: int, first: date, last: date) -> Iterator[Activity]:
    """Yield the sums of each date and currency that a position knows, from the last date to the first, none if zero."""
    balances = trial_balances_of(first - _DAY, last, position)
    through = _through(balances[last])
    for on in (last - _DAY * days for days in range((last - first).days + 1)):
        before = _through(balances[on - _DAY])
        for (currency, digits), sums in sorted(through.items()):
            earlier = before.get((currency, digits), {})
            moved = {column: amount - earlier.get(column, 0) for column, amount in sums.items()}
            if any(moved.values()):
                yield Activity(on, currency, digits, **moved)
        through = before


def _through(lines: Iterable[TrialBalanceLine]) -> _Sums:
    """Return the sums of all dates through that of a trial balance."""
    found: _Sums = {}
    columns = (*(column for column, _ in _COLUMNS.values()), "granted")
    for line in lines:
        sums = found.setdefault((line.currency, line.minor_digits), dict.fromkeys(columns, 0))
        if line.account == _GRANTED:
            sums["granted"] += line.debit  # each grant passes through the account once
        elif line.account in _COLUMNS:
            column, sign = _COLUMNS[line.account]
            sums[column] += sign * (line.debit - line.credit)
    return found
