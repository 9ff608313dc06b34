"""What projectors do to a range of the log in sets is what they do to its events one by one."""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import transaction
from django.db.models import Model

from eventstore import store
from eventstore.consumers import batch_size, loop, operator_actions
from eventstore.consumers.catching_up import sets
from eventstore.consumers.catching_up.pages import Pages
from eventstore.consumers.definitions import Projector, SetProjector
from eventstore.consumers.loop import catch_up
from eventstore.consumers.rebuild import rebuild_runner, run
from eventstore.errors import NotCaughtUp
from eventstore.models import Checkpoint
from eventstore.records import Context, NewEvent, RecordedEvent
from eventstore.runtime.shutdown import Stop
from ledger.rules.events import CompanyFunded, CompanyRegistered
from projectors import trial_balance
from projectors.catalog import PROJECTORS
from projectors.models import Balance, SearchWord
from projectors.queries.live import live
from projectors.verification.verify import verify
from tests.support.consumers.tampering import unguarded
from tests.support.databases import Database
from tests.support.ledger.random_histories import History, record

IN_SETS = [projector for projector in PROJECTORS if isinstance(projector, SetProjector)]
ONE_BY_ONE, AT_ONCE = 8, 9
"""Generations."""


@pytest.fixture(autouse=True)
def _short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "_LEAST", 3)
    monkeypatch.setattr(settings, "CONSUMER_BATCH_SIZE", 40)


def rows(table: type[Model], generation: int) -> list[dict[str, Any]]:
    """Return the rows of a generation, in an order that their ids do not determine."""
    found = table._default_manager.filter(generation=generation).values()
    return sorted(({**row, "id": None, "generation": None} for row in found), key=str)


def project_in_parts(projector: Projector, project: Callable[[int, int], None], chance: random.Random) -> None:
    """Project the whole log in parts of random length, each in a transaction as a runner opens it."""
    start, head = 0, store.head().position
    while start < head:
        end = min(head, start + chance.randint(1, 40))
        with transaction.atomic():
            project(start, end)
        start = end


@pytest.fixture
def many_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy the sums of the journal every few positions."""
    monkeypatch.setattr(trial_balance, "SNAPSHOT_EVERY", 7)


@pytest.mark.usefixtures("many_copies")
@pytest.mark.parametrize("projector", IN_SETS, ids=lambda projector: projector.name)
@pytest.mark.parametrize(("seed", "extreme"), [(1, False), (2, False), (3, False), (4, True)])
def test_rows_are_the_same(database: Database, projector: SetProjector, seed: int, *, extreme: bool) -> None:
    if database.vendor == "sqlite":
        return  # nothing is projected in sets
    record(History(seed, 250, extreme=extreme, fees_late=seed % 2 == 1).appends)

    def one_by_one(after: int, up_to: int) -> None:
        events = list(store.read_all(after=after, up_to=up_to, types=projector.types))
        if events:
            projector.project(events, ONE_BY_ONE, "default")

    def at_once(after: int, up_to: int) -> None:
        projector.project_range(after, up_to, AT_ONCE, "default")

    project_in_parts(projector, one_by_one, random.Random(seed))
    project_in_parts(projector, at_once, random.Random(seed + 100))
    for table in projector.tables:
        assert rows(table, AT_ONCE) == rows(table, ONE_BY_ONE), table.__name__
        assert rows(table, AT_ONCE) or table.__name__.startswith("Late")


def test_consumers_and_rebuilds_project_ranges_and_verify(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.vendor == "sqlite":
        return  # nothing is projected in sets
    ranges: list[str] = []
    for projector in IN_SETS:
        note_ranges(monkeypatch, projector, ranges)
    record(History(5, 250).appends)
    catch_up()
    assert set(ranges) == {projector.name for projector in IN_SETS}
    verify(loop.show_nothing)
    ranges.clear()
    rebuild = rebuild_runner("balances")
    rebuild.begin("balances", actor="me")
    assert run(rebuild, Stop(), loop.show_nothing, loop.report_nothing)
    assert set(ranges) == set(rebuild.group.names)
    verify(loop.show_nothing)


def test_a_projector_of_few_events_reads_only_them(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.vendor == "sqlite":
        return  # ranges are passed over on PostgreSQL
    names = [NewEvent(f"company-{uuid4()}", CompanyRegistered(name)) for name in ("Ann & Co", "Bob & Co")]
    funded = NewEvent(names[0].stream_id, CompanyFunded(Decimal("1.00"), "USD", "capital"))
    store.append([names[0], *[funded] * 120, names[1], *[funded] * 80], Context("tester", "funding"))
    pages: list[int] = []
    read = Pages.read

    def note(self: Pages, from_position: int, limit: int) -> list[RecordedEvent]:
        found = read(self, from_position, limit)
        pages.append(len(found))
        return found

    monkeypatch.setattr(Pages, "read", note)
    monkeypatch.setattr(batch_size, "TARGET_SECONDS", 3600.0)  # no range is shorter because the machine is slow
    catch_up("search", "directory")
    assert Checkpoint.objects.get(name="search").position == 202
    both, pages[:] = pages[:], []
    assert live(SearchWord).count() == 6
    # The directory handles every event, so it reads pages; a rebuild of search reads none but the last events.
    assert max(both) >= 40
    rebuild = rebuild_runner("search")
    rebuild.begin("search", actor="me")
    assert run(rebuild, Stop(), loop.show_nothing, loop.report_nothing)
    assert max(pages) < 5
    verify(loop.show_nothing)


def test_a_range_with_a_bad_event_stops_the_projector_at_that_event(database: Database) -> None:
    if database.vendor == "sqlite":
        return  # nothing is projected in sets
    record(History(6, 250).appends)
    moves = list(store.read_all(types=["CompanyFunded", "AssetFunded", "FundsCredited"]))
    bad = moves[len(moves) // 2]
    with unguarded() as cursor:
        spoil = """UPDATE eventstore_event SET payload = payload || '{"amount": "much"}' WHERE position = %s"""
        cursor.execute(spoil, [bad.position])
    with pytest.raises(NotCaughtUp, match=f"balances stopped at position {bad.position}: ValueError"):
        catch_up("balances")
    row = Checkpoint.objects.get(name="balances")
    assert (row.position, row.error_position) == (bad.position - 1, bad.position)
    assert max(live(Balance).values_list("position", flat=True)) < bad.position
    operator_actions.skip("balances", bad.position, actor="me", reason="nobody knows how much")
    catch_up("balances")
    assert Checkpoint.objects.get(name="balances").position == store.head().position


def note_ranges(monkeypatch: pytest.MonkeyPatch, projector: SetProjector, ranges: list[str]) -> None:
    own = projector.project_range

    def noted(after: int, up_to: int, generation: int, using: str) -> None:
        ranges.append(projector.name)
        own(after, up_to, generation, using)

    monkeypatch.setattr(projector, "project_range", noted)
