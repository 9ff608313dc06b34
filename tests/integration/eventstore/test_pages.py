"""The pages that consumers read keep what is decoded of their events, and nothing longer than they must."""

import pytest

from eventstore import store
from eventstore.consumers.catching_up import pages
from eventstore.consumers.catching_up.pages import Pages
from eventstore.records import Context, NewEvent, RecordedEvent
from ledger.rules.events import CompanyRegistered
from projectors.events.payloads import payload_of
from tests.support.databases import Database


@pytest.fixture
def events(database: Database) -> list[RecordedEvent]:
    """Record eleven events."""
    assert database.url
    names = [f"company-00000000-0000-0000-0000-{number:012}" for number in range(11)]
    store.append([NewEvent(name, CompanyRegistered(name)) for name in names[:-1]], Context("tester", "tests"))
    long = CompanyRegistered("x" * 4000)
    store.append([NewEvent(names[-1], long)], Context("tester", "tests"))
    return list(store.read_all())


def test_an_event_of_a_page_is_decoded_once_and_any_other_is_not_kept(events: list[RecordedEvent]) -> None:
    shared = Pages(are_shared=True)
    first, second = shared.read(1, 2), shared.read(1, 2)
    assert first == second == events[:2]
    assert payload_of(first[0]) is payload_of(second[0])
    assert payload_of(events[0]) == payload_of(first[0])
    assert payload_of(events[0]) is not payload_of(events[0])
    [alone] = Pages(are_shared=False).read(1, 1)
    assert payload_of(alone) is payload_of(alone)
    [long] = Pages(are_shared=False).read(11, 1)
    assert payload_of(long) is not payload_of(long)


def test_few_pages_are_kept_and_none_once_all_are_at_the_head(events: list[RecordedEvent]) -> None:
    shared = Pages(are_shared=True)
    kept = [shared.read(position, 2)[0] for position in range(1, 11, 2)]
    again = [shared.read(position, 2)[0] for position in range(9, 0, -2)][::-1]
    assert [one is other for one, other in zip(kept, again, strict=True)] == [False] + [True] * (pages._KEPT)
    before = shared.read(9, 2)
    for _ in range(3):  # one consumer at the head, and another behind
        assert shared.read(11, 2) == events[10:]
        assert shared.read(9, 2)[0] is before[0]
    for _ in range(2):
        assert shared.read(11, 2) == events[10:]
    assert shared.read(9, 2)[0] is not before[0]
