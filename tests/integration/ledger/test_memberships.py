"""Memberships read from a real log: the rules, and a cache that no thread or process finds stale."""

import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import chain, count, islice
from random import Random
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from eventstore import store
from eventstore.log.payload_index import PayloadIndex
from eventstore.records import Context, NewEvent, RecordedEvent
from ledger import as_of, memberships
from ledger.daily_cycle import cycle
from ledger.memberships import start_thread
from ledger.rules.aggregates import membership
from ledger.rules.aggregates.membership import EMPTY, Membership, Memberships
from ledger.rules.commands import ActivateDeal, DeleteDeal, UpdateDeal
from ledger.rules.events import DealActivated, DealCompany, DealCreated, DealDeleted, DealEvent, DealUpdated
from tests.support.consumers.tampering import unguarded
from tests.support.databases import connected_as
from tests.support.ledger.portfolio import do, new_company, new_deal, together
from tests.support.patience import wait_until
from tests.support.postgres.roles import OWNER
from tests.support.processes import StartManage

pytestmark = pytest.mark.usefixtures("database")

MEMBERSHIP = 4
CONTEXT = Context("tester", "tests")


def member(company: UUID, tier: str = "A", *, active: bool = False) -> UUID:
    return new_deal(active=active, line=MEMBERSHIP, tier=tier, company_uuid=company)


def update(deal: UUID, company: UUID, tier: str = "B") -> None:
    do(UpdateDeal(deal, MEMBERSHIP, (DealCompany(company, "member"),), tier))


def see_what_is_recorded() -> None:
    """Record deals of a company, and look it up after each."""
    company = new_company()
    for _ in range(5):
        deal = member(company)
        assert memberships.lookup(company) == Membership("A", deal)
        do(ActivateDeal(deal))
        assert memberships.lookup(company).activated
        update(deal, company)
        # Between ending the old membership and beginning the new one there is no moment without any.
        assert memberships.lookup(company) == Membership("B", deal)


class TestTheRules:
    def test_a_company_without_a_membership_deal_has_an_empty_membership(self) -> None:
        company = new_company()
        new_deal(company_uuid=company)
        assert memberships.lookup(company) == memberships.lookup(uuid4()) == EMPTY

    def test_a_membership_deal_makes_a_member_that_is_then_activated(self) -> None:
        company = new_company()
        deal = member(company)
        assert memberships.lookup(company) == Membership("A", deal, activated=False)
        do(ActivateDeal(deal))
        assert memberships.lookup(company) == Membership("A", deal, activated=True)

    def test_an_update_must_be_activated_again(self) -> None:
        company = new_company()
        deal = member(company, active=True)
        update(deal, company)
        assert memberships.lookup(company) == Membership("B", deal, activated=False)

    def test_an_update_that_names_another_company_moves_the_membership(self) -> None:
        before, after = new_company(), new_company()
        deal = member(before, active=True)
        update(deal, after)
        assert memberships.lookup(before) == EMPTY
        assert memberships.lookup(after) == Membership("B", deal)

    def test_a_deleted_membership_deal_ends_it(self) -> None:
        company = new_company()
        do(DeleteDeal(member(company)))
        assert memberships.lookup(company) == EMPTY

    def test_a_later_deal_replaces_an_earlier_one_for_good(self) -> None:
        company = new_company()
        earlier, later = member(company), member(company, "C")
        do(ActivateDeal(earlier))
        assert memberships.lookup(company) == Membership("C", later)
        do(DeleteDeal(earlier))
        assert memberships.lookup(company) == Membership("C", later)
        do(DeleteDeal(later))
        assert memberships.lookup(company) == EMPTY

    def test_an_update_of_a_replaced_deal_counts_like_a_new_one(self) -> None:
        company, other = new_company(), new_company()
        earlier, later = member(company), member(company, "C")
        update(earlier, other)
        assert memberships.lookup(company) == Membership("C", later)
        assert memberships.lookup(other) == Membership("B", earlier)

    def test_answers_are_the_same_when_read_again_from_the_start(self) -> None:
        company, other = new_company(), new_company()
        update(member(company), other)
        member(company, active=True)
        answers = memberships.lookup(company), memberships.lookup(other)
        memberships.reset()
        assert (memberships.lookup(company), memberships.lookup(other)) == answers


class TestAsOf:
    def test_a_position_events_after_it_do_not_count(self) -> None:
        company = new_company()
        deal = member(company)
        created = store.head().position
        do(ActivateDeal(deal))
        activated = store.head().position
        do(DeleteDeal(deal))
        asked = (created - 1, created, activated, store.head().position)
        assert [memberships.lookup(company, position) for position in asked] == [
            EMPTY,
            Membership("A", deal),
            Membership("A", deal, activated=True),
            EMPTY,
        ]
        assert memberships.lookup(company) == EMPTY

    def test_a_business_date_it_lasts_until_the_next_date_begins(self) -> None:
        company, monday = new_company(), date(2026, 3, 2)
        cycle(monday)
        deal = member(company)
        cycle(monday + timedelta(days=1))
        do(ActivateDeal(deal))
        sunday, monday_night, tuesday = (
            as_of.resolve(monday + timedelta(days=days), store.head().position) for days in (-1, 0, 1)
        )
        assert memberships.lookup(company, sunday) == EMPTY
        assert memberships.lookup(company, monday_night) == Membership("A", deal)
        assert memberships.lookup(company, tuesday) == Membership("A", deal, activated=True)


class TestNeverBehind:
    def test_what_another_thread_recorded(self) -> None:
        company = new_company()
        memberships.lookup(company)
        [deal] = together(lambda: member(company))
        assert memberships.lookup(company).deal_uuid == deal

    def test_each_of_many_threads_sees_what_it_has_recorded_itself(self) -> None:
        memberships.reset()
        assert together(*[see_what_is_recorded] * 4) == [None] * 4

    def test_a_reader_never_meets_a_member_between_two_memberships(self) -> None:
        company = new_company()
        deal = member(company)
        memberships.lookup(company)
        stop: list[bool] = []

        def read() -> set[UUID | None]:
            seen = set()
            while not stop:
                seen.add(memberships.lookup(company).deal_uuid)
            return seen

        def write() -> None:
            try:
                for _ in range(50):
                    update(deal, company)
            finally:
                stop.append(True)

        assert together(read, read, write) == [{deal}, {deal}, None]

    def test_what_another_process_recorded(self, start_manage: StartManage) -> None:
        company = new_company()
        deal = member(company)
        code = f"""
import time
from uuid import UUID
from ledger import as_of, memberships
for _ in range(1000):
    print(memberships.lookup(UUID("{company}")), flush=True)
    time.sleep(0.05)
"""
        other = start_manage("shell", "-v0", "-c", code)
        wait_until(lambda: f"{Membership('A', deal)}" in other.output())
        do(ActivateDeal(deal))
        wait_until(lambda: f"{Membership('A', deal, activated=True)}" in other.output())
        assert memberships.lookup(company).activated

    def test_events_of_an_open_transaction_are_seen_only_inside_it(self) -> None:
        company, before = new_company(), new_company()
        kept = member(before)
        memberships.lookup(company)

        class Undone(Exception):
            pass

        def record_and_undo() -> None:
            with transaction.atomic():
                deal = member(company)
                assert memberships.lookup(company).deal_uuid == deal
                assert memberships.lookup(before).deal_uuid == kept
                raise Undone

        with pytest.raises(Undone):
            record_and_undo()
        assert memberships.lookup(company) == EMPTY
        assert memberships.lookup(before).deal_uuid == kept
        # The position that was rolled back is given to another event.
        deal = member(company, "D")
        assert memberships.lookup(company) == Membership("D", deal)

    def test_a_lookup_inside_a_transaction_fills_no_empty_cache(self) -> None:
        memberships.reset()
        company = new_company()
        with transaction.atomic():
            deal = member(company)
            assert memberships.lookup(company).deal_uuid == deal
            transaction.set_rollback(True)
        assert memberships.lookup(company) == EMPTY


class TestManyDeals:
    @staticmethod
    def _record(events: Iterator[NewEvent], number: int) -> None:
        while chunk := list(islice(events, min(number, 2000))):
            store.append(chunk, CONTEXT)

    def test_hydrate_in_memory_that_does_not_grow_with_their_events(self) -> None:
        company, numbers = uuid4(), count()

        def events() -> Iterator[NewEvent]:
            deal = uuid4()
            for _ in islice(numbers, 10_000):
                terms = (DealCompany(company, "member"),)
                yield NewEvent(f"deal-{deal}", DealCreated(MEMBERSHIP, terms, "A"))
                yield NewEvent(f"deal-{deal}", DealActivated())

        def peak() -> int:
            memberships.reset()
            tracemalloc.start()
            memberships.hydrate()
            assert memberships.lookup(company).activated
            _, highest = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return highest

        self._record(islice(events(), 5_000), 5_000)
        small = peak()
        self._record(events(), 20_000)
        assert peak() < small * 1.5

    def test_a_lookup_among_a_hundred_thousand_members_is_one_indexed_read(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        companies = [UUID(f"00000000-0000-0000-0000-{number:012}") for number in range(1, 100_001)]
        _record_members(len(companies))
        new_company()
        memberships.hydrate()
        with django_assert_num_queries(1) as queries:
            assert memberships.lookup(companies[-1]).rating_tier == "A"
        with connection.cursor() as cursor:
            explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
            cursor.execute(explain + queries.captured_queries[0]["sql"])
            plan = str(cursor.fetchall())
        assert "eventstore_event_pkey" in plan or "category_position" in plan or "INTEGER PRIMARY KEY" in plan
        assert "Seq Scan" not in plan


COLUMNS = "position, stream_id, version, type, schema_version, payload, actor, correlation_id, metadata, recorded_at"
TERMS = """'{"product_line_id": 4, "companies": [{"role": "a", "company_uuid": "' || %s || '"}], "rating_tier": "A"}'"""


def _record_members(number: int) -> None:
    """Write the deals of so many members beside the store, which would take most of the test's time."""
    postgresql = connection.vendor == "postgresql"
    last = "lpad(n::text, 12, '0')" if postgresql else "substr('000000000000' || n, -12)"
    uuid = f"'00000000-0000-0000-0000-' || {last}"
    as_json, now = ("::jsonb", "now()") if postgresql else ("", "'2026-01-01 00:00:00.000000'")
    sql = f"""
        INSERT INTO eventstore_event ({COLUMNS})
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number})
        SELECT n, 'deal-' || {uuid}, 1, 'DealCreated', 1, ({TERMS % uuid}){as_json}, 'tester', 'tests', '{{}}'{as_json},
               {now}
        FROM numbers
    """
    with connected_as(OWNER), connection.cursor() as cursor:
        cursor.execute(sql)


def random_deals(seed: int, companies: Sequence[UUID], number: int) -> Iterator[RecordedEvent]:
    """Record events of a few deals, and yield each."""
    chance, deals = Random(seed), [uuid4() for _ in range(4)]
    for _ in range(number):
        terms = (4, (DealCompany(chance.choice(companies), "member"),), chance.choice("AB"))
        some: list[DealEvent] = [DealCreated(*terms), DealUpdated(*terms), DealActivated(), DealDeleted()]
        deal, event = chance.choice(deals), chance.choices(some, [4, 8, 4, 1])[0]
        yield store.append([NewEvent(f"deal-{deal}", event)], CONTEXT).events[0]
        if isinstance(event, DealDeleted):  # No rule lets anything happen to a deleted deal.
            deals[deals.index(deal)] = uuid4()


class TestHistory:
    @pytest.mark.parametrize("seed", range(3))
    def test_is_at_each_position_what_all_deals_fold_to(self, seed: int) -> None:
        companies, folded = [uuid4() for _ in range(3)], Memberships()
        for recorded in list(random_deals(seed, companies, 60)):
            membership.evolve(folded, str(recorded.uuid), recorded.data)
            for company in companies:
                assert memberships.lookup(company, recorded.position) == folded.of(company), recorded.position

    def test_reads_only_the_last_terms_of_the_companys_own_deals(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        company, other = new_company(), new_company()
        deal = member(company)
        new_deal(company_uuid=company)
        for _ in range(30):
            update(member(other), other)
        position = store.head().position
        do(ActivateDeal(deal))
        with django_assert_max_num_queries(3) as queries:
            assert memberships.lookup(company, position) == Membership("A", deal)
        look = queries.captured_queries[0]["sql"]
        assert memberships.DEALS_OF_COMPANY.streams(str(company), store.head().position) == [f"deal-{deal}"]
        with connected_as(OWNER), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("ANALYZE")
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL enable_seqscan = off")
            explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
            cursor.execute(explain + look)
            assert memberships.DEALS_OF_COMPANY.name in str(cursor.fetchall())


class TestHydration:
    """Many deals are folded in the background. See Note [An index answers until the memberships are folded]."""

    @pytest.fixture(autouse=True)
    def waiting(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
        """Return the work that was left to a thread, which a test does when it likes."""
        waiting: list[Callable[[], None]] = []
        monkeypatch.setattr(memberships, "_PAGE", 3)
        monkeypatch.setattr(memberships, "start_thread", waiting.append)
        memberships.reset()
        yield waiting
        wait_until(lambda: not folding_threads())

    def test_an_index_answers_until_the_deals_are_folded(
        self, waiting: list[Callable[[], None]], django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        companies, folded = [uuid4() for _ in range(3)], Memberships()
        before = list(random_deals(7, companies, 20))
        for recorded in chain(before, random_deals(8, companies, 30)):
            membership.evolve(folded, str(recorded.uuid), recorded.data)
            if recorded.position >= len(before):
                assert [memberships.lookup(company) for company in companies] == [*map(folded.of, companies)]
        assert len(waiting) == 1
        with transaction.atomic():
            (deal,) = random_deals(9, companies[:1], 1)
            own = Memberships()
            for recorded in store.read_all():
                membership.evolve(own, str(recorded.uuid), recorded.data)
            assert memberships.lookup(companies[0]) == own.of(companies[0]), deal
            transaction.set_rollback(True)
        together(waiting.pop())
        for company in companies:
            with django_assert_num_queries(1):
                assert memberships.lookup(company) == folded.of(company)
        assert waiting == []

    def test_after_a_lost_connection_the_index_answers_and_the_fold_goes_on_where_it_was(
        self, waiting: list[Callable[[], None]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        company = new_company()
        deals = [member(company, active=True) for _ in range(4)]
        memberships.lookup(company)
        read_all, began = store.read_all, list[int]()

        def lose_the_second(**how: Any) -> Iterator[RecordedEvent]:
            began.append(how["after"])
            if len(began) == 2:
                lose_connection()
            return read_all(**how)

        with monkeypatch.context() as patch:
            patch.setattr(store, "read_all", lose_the_second)
            together(waiting.pop())
            assert memberships.lookup(company) == Membership("A", deals[-1], activated=True)
            together(waiting.pop())
        assert began == sorted(began)
        assert memberships.lookup(company).activated
        assert waiting == []

    def test_an_event_that_cannot_be_folded_leaves_the_fold_as_it_was(
        self, waiting: list[Callable[[], None]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        company = new_company()
        deals = [member(company, active=True) for _ in range(4)]
        memberships.lookup(company)

        def fail(*_: object) -> None:
            message = "no memory left"
            raise MemoryError(message)

        with monkeypatch.context() as patch:
            patch.setattr(membership, "evolve", fail)
            together(waiting.pop())
        assert memberships.lookup(company) == Membership("A", deals[-1], activated=True)
        together(waiting.pop())
        assert memberships.lookup(company).activated
        assert waiting == []

    def test_a_deal_that_cannot_be_read_stops_only_lookups_that_need_it(
        self, waiting: list[Callable[[], None]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        damaged, other = new_company(), new_company()
        deal = member(damaged)
        sound = member(other, active=True)
        with unguarded() as cursor:
            cursor.execute("UPDATE eventstore_event SET payload = '{}' WHERE stream_id = %s", [f"deal-{deal}"])
        memberships.reset()
        read_all, reads = store.read_all, list[int]()

        def counted(**how: Any) -> Iterator[RecordedEvent]:
            reads.append(how["after"])
            return read_all(**how)

        monkeypatch.setattr(store, "read_all", counted)
        for _ in range(3):
            assert memberships.lookup(other) == Membership("A", sound, activated=True)
        assert len(reads) == 2  # to fold is tried once
        assert waiting == []

    def test_what_was_folded_of_a_log_is_forgotten_with_it(
        self, waiting: list[Callable[[], None]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        company = new_company()
        for _ in range(4):
            member(company, active=True)
        memberships.lookup(company)
        read_all, reads = store.read_all, list[int]()

        def forget_meanwhile(**how: Any) -> Iterator[RecordedEvent]:
            memberships.reset()
            reads.append(how["after"])
            return read_all(**how)

        with monkeypatch.context() as patch:
            patch.setattr(store, "read_all", forget_meanwhile)
            together(waiting.pop())
        assert len(reads) == 1
        memberships.lookup(company)
        assert len(waiting) == 1

    def test_a_thread_folds_them_while_others_see_what_they_record(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(memberships, "start_thread", start_thread)
        for _ in range(4):
            member(new_company(), active=True)
        assert together(*[see_what_is_recorded] * 4) == [None] * 4
        company = new_company()
        deal = member(company)
        with monkeypatch.context() as patch:
            patch.delattr(PayloadIndex, "streams")  # so that a lookup fails unless the fold answers it
            wait_until(lambda: not folding_threads())
            memberships.hydrate()
            assert memberships.lookup(company) == Membership("A", deal)

    def test_the_thread_does_not_keep_the_process_from_ending(self) -> None:
        go_on = Event()

        def work() -> None:
            go_on.wait()

        start_thread(work)
        assert [thread.daemon for thread in folding_threads()] == [True]
        go_on.set()


def folding_threads() -> list[Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "memberships"]


def lose_connection() -> None:
    """Lose this thread's connection as a server that ends loses it."""
    if connection.vendor != "postgresql":
        raise OperationalError("disk I/O error")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
