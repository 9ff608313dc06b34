"""Grants from few sources in many threads, while accounts are closed and sources are funded."""

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random
from uuid import UUID

from eventstore import store
from ledger import states
from tests.support.databases import Database
from tests.support.ledger.folded_log import History
from tests.support.ledger.market import Attempt, Market, check_money, is_true
from tests.support.ledger.portfolio import together


def test_every_cent_is_accounted_for_and_every_answer_is_true(database: Database) -> None:
    granting, times = (10, 25) if database.vendor == "postgresql" else (5, 15)
    market = Market()

    def grants(number: int) -> list[Attempt]:
        chance = Random(number)
        return [market.grant(chance) for _ in range(times)]

    def funds(number: int) -> list[Attempt]:
        chance = Random(number)
        for _ in range(2 * times):
            market.fund(chance)
        return []

    def closes(accounts: list[UUID]) -> list[Attempt]:
        for number, account in enumerate(accounts, start=1):
            _wait_for_position(begun + number * times * 4)
            market.close(account)
        return []

    accounts, begun = list(market.accounts), store.head().position
    work: list[Callable[[], list[Attempt]]] = [partial(grants, number) for number in range(granting)]
    work += [partial(funds, 100), partial(funds, 101), partial(closes, accounts[::3])]
    answers = together(*work)
    attempts = [attempt for answer in answers if isinstance(answer, list) for attempt in answer]
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert len(attempts) == granting * times

    history = History()
    check_money(history)
    for attempt in attempts:
        assert is_true(attempt, history), attempt
    granted = Counter(type(attempt.outcome).__name__ for attempt in attempts)
    assert granted["Appended"] > 0
    assert len(granted) > 1, "nothing was refused, so nothing was tried"
    for account in accounts[::3]:
        assert states.account(account).state.status == "closed"


def _wait_for_position(position: int) -> None:
    """Wait until the others have got so far, or seem to get no further."""
    deadline = time.monotonic() + 5
    while store.head().position < position and time.monotonic() < deadline:
        time.sleep(0.01)
