"""Histories of six clients in three processes are linearizable; a planted race is found."""

import os
from collections import Counter

import pytest

from tests.support.counting import count
from tests.support.databases import Database
from tests.support.histories.clients import Clients, judged
from tests.support.histories.races import PLANTED
from tests.support.rounds import rounds

HISTORIES = 200
ENOUGH = 3000
"""The number of histories after which a race that was not found counts as missed."""


@pytest.fixture(autouse=True)
def _postgresql() -> None:
    if os.environ["DAYBOOK_TEST_VENDOR"] != "postgresql":
        pytest.skip("SQLite has one writer at a time")


def test_every_answer_fits_one_order_in_which_clients_ask_one_after_the_other(database: Database) -> None:
    assert database.url
    answers: Counter[str] = Counter()
    with Clients() as clients:
        for seed in range(1, rounds(HISTORIES) + 1):
            history = clients.history(seed)
            answers.update(type(operation.answer).__name__ for operation in history[1])
            found = judged(*history)
            assert found.state is not None, f"history {seed} has no order: {found.stuck}"
    count("histories", {"checked": rounds(HISTORIES)})
    count("answers", answers)


@pytest.mark.parametrize("race", PLANTED)
def test_a_planted_race_is_found(database: Database, race: str) -> None:
    assert database.url
    with Clients(PLANTED[race]) as clients:
        found = next((seed for seed in range(1, ENOUGH + 1) if judged(*clients.history(seed)).state is None), None)
    assert found is not None, f"not found: {race}"
    count("histories until a race is found", {race: found})
