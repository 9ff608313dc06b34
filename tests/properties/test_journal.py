"""The identities of the journal hold at every position of every history."""

from collections import defaultdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.rules.decide import STATES
from ledger.rules.money import to_minor
from projectors.events.dates import dated_since
from projectors.journal import lines
from tests.support.ledger.random_histories import History
from tests.support.rounds import rounds
from tests.unit.projectors.recorded import recorded

Sums = dict[tuple[str, str], int]
"""By account and currency, debits less credits."""

_BALANCES = {"company": "company_balances", "asset": "asset_balances", "account": "account_balances"}
_OWED = {"principal_receivable": "principal_outstanding", "fees_receivable": "fees_outstanding"}


def of_state(category: str, state: Any) -> Sums:
    """Return what the journal's accounts must hold for the state of an aggregate."""
    currency = getattr(state, "currency", None)
    if currency is None:
        return {}
    if category in _BALANCES:
        return {(_BALANCES[category], currency): -to_minor(state.balance)}
    if category == "product":
        return {(account, currency): to_minor(getattr(state, column)) for account, column in _OWED.items()}
    return {}


@settings(max_examples=rounds(25))
@given(seed=st.integers(0, 2**32))
def test_at_every_position_the_accounts_equal_the_folded_aggregates(seed: int) -> None:
    history = History(seed, 80)
    booked: Sums = defaultdict(int)
    folded: Sums = defaultdict(int)
    states: dict[str, Any] = {}
    for booking, (stream, data) in zip(dated_since(None, recorded(history.events)), history.events, strict=True):
        own: dict[str, int] = defaultdict(int)
        for line in lines(booking):
            own[line["currency"]] += line["debit"] - line["credit"]
            booked[line["account"], line["currency"]] += line["debit"] - line["credit"]
            assert (line["debit"] == 0) != (line["credit"] == 0)
        assert not any(own.values())
        category = stream.partition("-")[0]
        if category in STATES:
            initial, evolve = STATES[category]
            before = states.get(stream, initial)
            states[stream] = evolve(before, data)
            for key, figure in of_state(category, before).items():
                folded[key] -= figure
            for key, figure in of_state(category, states[stream]).items():
                folded[key] += figure
        accounts = {*_BALANCES.values(), *_OWED}
        assert {key: figure for key, figure in booked.items() if key[0] in accounts and figure} == {
            key: figure for key, figure in folded.items() if figure
        }


@settings(max_examples=rounds(25))
@given(seed=st.integers(0, 2**32))
def test_after_each_transaction_nothing_is_in_transit(seed: int) -> None:
    history = History(seed, 80)
    in_transit: Sums = defaultdict(int)
    bookings = dated_since(None, recorded(history.events))
    for append in history.appends:
        for _ in append:
            for line in lines(next(bookings)):
                if line["account"] == "grants_in_transit":
                    in_transit[line["party_uuid"], line["currency"]] += line["debit"] - line["credit"]
        assert not any(in_transit.values())
