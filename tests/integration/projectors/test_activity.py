"""The activity of dates as it was known at a position, against the events up to that position."""

from datetime import date, timedelta
from itertools import accumulate

import pytest

from eventstore import store
from eventstore.consumers.loop import catch_up
from projectors.daily_activity import SUMS, tally
from projectors.events.dates import dated_since
from projectors.queries.activity import activity_at
from tests.support.databases import Database
from tests.support.ledger.random_histories import History, record


@pytest.mark.parametrize("seed", [4, 8])
def test_the_activity_at_a_position_is_that_of_the_events_up_to_it(database: Database, seed: int) -> None:
    assert database.vendor
    appends = History(seed, fees_late=True).appends
    record(appends)
    catch_up("journal")
    events = list(dated_since(None, list(store.read_all())))
    cycles = [(event.position, event.data.new_date) for event in store.read_all(types=["SystemCycled"])]
    ends = list(accumulate(map(len, appends)))  # within a grant, its total is not debited yet
    for position in [end for end in ends if end >= cycles[0][0]][::4]:
        last = max(day for at, day in cycles if at <= position)
        first = last - timedelta(days=14)
        known = {
            (date.fromisoformat(day), currency): counted.sums
            for (day, currency), counted in tally(events[:position]).items()
            if day is not None and first.isoformat() <= day <= last.isoformat() and any(counted.sums.values())
        }
        shown = {
            (row.business_date, row.currency): {name: getattr(row, name) for name in SUMS}
            for row in activity_at(position, first, last)
        }
        assert shown == known, position
