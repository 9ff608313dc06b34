"""What folds much of the past holds one of few slots, so that it never takes all threads."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User

from eventstore import store
from eventstore.records import Context, NewEvent
from ledger.rules.commands import ActivateDeal, CreateDeal
from ledger.rules.events import CompanyRenamed, DealCompany
from tests.support.api.calling import Api, problem
from tests.support.databases import Database
from tests.support.ledger.portfolio import do, new_company
from web.slots import Slot, SlotKind, Slots, slots

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def company() -> UUID:
    """Return a company with a long stream, and a membership."""
    company, deal = new_company(), uuid4()
    renamed = [NewEvent(f"company-{company}", CompanyRenamed(f"Name {number}")) for number in range(1100)]
    store.append(renamed, Context("tester", "tests"))
    do(CreateDeal(deal, 4, (DealCompany(company, "member"),), "gold"))
    do(ActivateDeal(deal))
    return company


@pytest.fixture
def _busy(api: Api) -> Iterator[None]:
    """Let the client have as many requests that fold under way as it may."""
    client = User.objects.get(username="robot").pk
    taken = take_all(slots, client)
    yield
    for slot in taken:
        slot.give_back()


def take_all(of: Slots, client: int, kind: SlotKind = SlotKind.FOLDING) -> list[Slot]:
    taken = []
    while (slot := of.take(client, 3600, kind)) is not None:
        taken.append(slot)
    return taken


@pytest.mark.usefixtures("_busy")
def test_the_past_of_a_long_stream_and_of_a_membership_waits_for_its_turn(api: Api, company: UUID) -> None:
    head = store.head().position
    for path in (f"/api/companies/{company}", f"/api/companies/{company}/membership"):
        refused = api.get(f"{path}?as_of={head}")
        reported = problem(refused, 429, "too-many-requests")
        assert 1 <= int(refused["Retry-After"]) <= 3600
        assert f"Try again in {refused['Retry-After']} s" in reported["detail"]
        assert refused["RateLimit-Remaining"] == "0"
        assert api.get(path).status_code == 200


@pytest.mark.usefixtures("_busy")
def test_the_past_of_a_short_stream_needs_no_slot(api: Api, company: UUID) -> None:
    assert api.get(f"/api/companies/{company}?as_of=100").status_code == 200
    assert api.get(f"/api/companies/{new_company()}?as_of={store.head().position}").status_code == 200


def test_a_slot_is_freed_after_every_outcome_of_the_request(api: Api, company: UUID) -> None:
    head = store.head().position
    for _ in range(20):
        assert api.get(f"/api/companies/{company}?as_of={head}").status_code == 200
        assert api.get(f"/api/companies/{company}/membership?as_of={head}").status_code == 200
        problem(api.get(f"/api/companies/{uuid4()}/membership?as_of={head}"), 404, "not-found")


def test_streams_leave_a_slot_for_folds_and_no_client_takes_all_slots() -> None:
    of_16_threads = Slots(4)
    assert len(take_all(of_16_threads, 1, SlotKind.WAITING)) == 2
    assert len(take_all(of_16_threads, 2, SlotKind.WAITING)) == 1
    assert len(take_all(of_16_threads, 1)) == 1
    assert take_all(of_16_threads, 2) == []
    assert len(take_all(Slots(4), 1)) == 2


def test_with_fewer_than_four_threads_one_request_folds_and_none_waits() -> None:
    few = Slots(0)
    assert take_all(few, 1, SlotKind.WAITING) == []
    [slot] = take_all(few, 1)
    assert take_all(few, 2) == []
    slot.give_back()
    assert len(take_all(few, 2)) == 1


def test_a_fold_is_answered_503_while_others_hold_all_slots(api: Api, database: Database, company: UUID) -> None:
    taken = [slot for client in (-1, -2, -3, -4) for slot in take_all(slots, client)]
    try:
        refused = api.get(f"/api/companies/{company}?as_of={store.head().position}")
        problem(refused, 503, "too-many-streams")
        assert refused["Retry-After"] == "5"
    finally:
        for slot in taken:
            slot.give_back()
