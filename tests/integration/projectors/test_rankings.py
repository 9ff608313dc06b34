"""Customers ranked at any moment from the rankings that are kept, against the order of all their sums."""

from typing import Any

import pytest

from eventstore import store
from eventstore.consumers.loop import catch_up
from projectors.catalog import PROJECTORS
from projectors.customers import rankings
from projectors.models import CustomerRanking, LateRecordedFee
from projectors.queries import rankings as queries
from projectors.queries.customer_sums import EVERY, Moment, Which, customer_sums, moment, moment_began
from projectors.queries.customers import first_customers
from projectors.queries.live import live
from projectors.verification.differences import Difference
from projectors.verification.verify import verify
from tests.support.databases import Database
from tests.support.ledger.random_histories import History, record
from tests.support.rounds import PROVES

_PLACES = 2


@pytest.fixture
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep short rankings every few positions, so that a short history has many."""
    monkeypatch.setattr(rankings, "EVERY", 7)
    monkeypatch.setattr(rankings, "MOST", 3)
    monkeypatch.setattr(queries, "FEW", 0)


def moments() -> list[Moment]:
    """Return moments of all kinds: many in `make prove`, else a few of each."""
    head = store.head().position
    dates = [event.data.new_date for event in store.read_all(types=["SystemCycled"])]
    known = [moment(up_to, day) for day in dates for up_to in (head, *range(1, head, 61))]
    began = [moment_began(day, head, known_now=now) for day in dates for now in (True, False)]
    after_events, of_dates = (3, 1) if PROVES else (10, 4)
    return [*map(Moment, range(0, head + 1, after_events)), *known[::of_dates], *began[::of_dates], *began[1::of_dates]]


@pytest.mark.usefixtures("short_steps")
@pytest.mark.parametrize("seed", [33, 63])
def test_the_first_customers_of_any_moment_are_those_with_the_greatest_sums(database: Database, seed: int) -> None:
    appends = History(seed, 250, fees_late=True).appends
    for start in range(0, len(appends), 50):
        record(appends[start : start + 50])
        catch_up("customers")
    assert live(CustomerRanking).exists()
    assert live(LateRecordedFee).exists()
    whole = 0
    for at in moments():
        everyone = list(customer_sums(at))
        for limit in (1, 3, 100):
            first = first_customers(at, EVERY, limit)
            assert first == everyone[:limit]
            last = (first[-1].company_uuid, first[-1].currency) if first else None
            assert first_customers(at, Which(after=last), limit) == everyone[len(first) :][:limit]
        for by in rankings.RANKINGS:
            in_order = list(customer_sums(at, by=by))
            for start in (0, 1, 4):
                rows, is_certain = queries.greatest(at, by, start=start, limit=_PLACES)
                wanted = in_order[start : start + _PLACES]
                assert rows == wanted[: len(rows)]
                assert rows == wanted or not is_certain
                whole += start < _PLACES and is_certain
    assert whole > len(moments()) * len(rankings.RANKINGS) * 2 * 0.8


@pytest.mark.usefixtures("short_steps")
def test_no_statement_of_a_ranking_looks_at_all_customers(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    record(History(33, 250, fees_late=True).appends)
    catch_up("customers")
    asked: list[Which] = []

    def noted(at: Moment, which: Which = EVERY, **rest: Any) -> Any:
        asked.append(which)
        return customer_sums(at, which, **rest)

    monkeypatch.setattr(queries, "customer_sums", noted)
    for at in moments():
        for start in (0, 5):
            queries.greatest(at, "owed", start=start, limit=_PLACES)
    assert asked
    assert all(which.companies is not None for which in asked)


@pytest.mark.usefixtures("short_steps")
def test_verification_finds_a_changed_and_a_missing_ranking(database: Database) -> None:
    record(History(33, 250, fees_late=True).appends)
    catch_up(*(projector.name for projector in PROJECTORS))
    verify(lambda _done, _total: None)
    row = live(CustomerRanking).order_by("-through", "by")[0]
    changed = [[*row.customers[0][:3], row.customers[0][3] + 1], *row.customers[1:]]
    live(CustomerRanking).filter(pk=row.pk).update(customers=changed)
    with pytest.raises(Difference, match="rankings of customers"):
        verify(lambda _done, _total: None)
    live(CustomerRanking).filter(pk=row.pk).delete()
    with pytest.raises(Difference, match="rankings of customers"):
        verify(lambda _done, _total: None)
