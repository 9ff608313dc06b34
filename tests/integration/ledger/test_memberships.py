"""Memberships read from a real log: the rules, and a cache that no thread or process finds stale."""

import tracemalloc
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count, islice
from random import Random
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from eventstore import store
from eventstore.records import Context, NewEvent
from ledger import as_of, memberships
from ledger.daily_cycle import cycle
from ledger.rules.aggregates import membership
from ledger.rules.aggregates.membership import EMPTY, Membership, Memberships
from ledger.rules.commands import ActivateDeal, DeleteDeal, UpdateDeal
from ledger.rules.events import DealActivated, DealCompany, DealCreated, DealDeleted, DealEvent, DealUpdated
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

        def work() -> None:
            company = new_company()
            for _ in range(5):
                deal = member(company)
                assert memberships.lookup(company) == Membership("A", deal)
                do(ActivateDeal(deal))
                assert memberships.lookup(company).activated
                update(deal, company)
                # Between ending the old membership and beginning the new one there is no moment without any.
                assert memberships.lookup(company) == Membership("B", deal)

        assert together(*[work] * 4) == [None] * 4

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
        memberships.lookup(companies[0])
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


class TestHistory:
    @pytest.mark.parametrize("seed", range(3))
    def test_is_at_each_position_what_all_deals_fold_to(self, seed: int) -> None:
        chance = Random(seed)
        companies, deals = [uuid4() for _ in range(3)], [uuid4() for _ in range(4)]

        def event() -> DealEvent:
            terms = (4, (DealCompany(chance.choice(companies), "member"),), chance.choice("AB"))
            some: list[DealEvent] = [DealCreated(*terms), DealUpdated(*terms), DealActivated(), DealDeleted()]
            return chance.choices(some, [4, 8, 4, 1])[0]

        for _ in range(60):
            deal, recorded_event = chance.choice(deals), event()
            store.append([NewEvent(f"deal-{deal}", recorded_event)], CONTEXT)
            if isinstance(recorded_event, DealDeleted):  # No rule lets anything happen to a deleted deal.
                deals[deals.index(deal)] = uuid4()
        folded = Memberships()
        for recorded in store.read_all():
            membership.evolve(folded, recorded.uuid, recorded.data)
            for company in companies:
                assert memberships.lookup(company, recorded.position) == folded.of(company), recorded.position

    def test_reads_only_the_last_terms_of_the_companys_own_deals(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        company, other = new_company(), new_company()
        deal = member(company)
        for _ in range(30):
            update(member(other), other)
        position = store.head().position
        do(ActivateDeal(deal))
        memberships.lookup(company)
        with django_assert_max_num_queries(4):
            assert memberships.lookup(company, position) == Membership("A", deal)
