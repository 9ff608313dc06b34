"""States now, as of a position and as of a business date; the caches are never behind and never ahead."""

import shutil
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from eventstore import store
from eventstore.records import RecordedEvent
from ledger import as_of, states
from ledger.daily_cycle import cycle
from ledger.rules import decide
from ledger.rules.commands import ApplyPayment, FundCompany, RegisterCompany, RenameCompany, RevalueAsset
from ledger.rules.facts import stream_id
from ledger.rules.refusals.dates import DateNotCycled, PositionBeyondHead
from ledger.rules.refusals.fields import InvalidDate
from tests.support.databases import Database
from tests.support.ledger.portfolio import (
    do,
    new_account,
    new_asset,
    new_company,
    new_deal,
    new_product,
    together,
)
from tests.support.processes import RunManage

pytestmark = pytest.mark.usefixtures("database")

MONDAY = date(2026, 3, 2)


def resolved(moment: int | date) -> int | None:
    return as_of.resolve(moment, store.head().position)


def name_of(company: UUID, moment: date | None = None) -> str:
    return states.company(company, None if moment is None else resolved(moment)).state.name


def rename(company: UUID, name: str) -> RecordedEvent:
    return do(RenameCompany(company, name)).events[0]


class TestAsOfAPosition:
    def test_events_after_it_do_not_count(self) -> None:
        asset = new_asset("1000.00")
        revalued = do(RevalueAsset(asset, Decimal("900.00"))).position
        do(RevalueAsset(asset, Decimal("800.00")))
        assert states.asset(asset, revalued - 1).state.value == Decimal("1000.00")
        assert states.asset(asset, revalued).state.value == Decimal("900.00")
        assert states.asset(asset).state.value == Decimal("800.00")

    def test_an_aggregate_without_events_is_in_its_initial_state(self) -> None:
        company = new_company()
        at_start = states.company(company, 0)
        assert (at_start.state.exists, at_start.version, at_start.position) == (False, 0, 0)

    def test_a_position_beyond_the_head_is_refused(self) -> None:
        company = new_company()
        head = store.head().position
        assert states.company(company, resolved(head)).state.exists
        with pytest.raises(PositionBeyondHead) as refused:
            resolved(head + 1)
        assert (refused.value.position, refused.value.head) == (head + 1, head)

    @pytest.mark.parametrize("position", [-1, 10**30])
    def test_a_number_that_is_no_position_is_refused(self, position: int) -> None:
        with pytest.raises(PositionBeyondHead):
            resolved(position)

    def test_any_aggregate_can_be_asked(self) -> None:
        product = new_product()
        before = store.head().position
        do(ApplyPayment(product, Decimal(40), "wire"))
        assert states.product(product, before).state.principal_outstanding == Decimal("100.00")
        assert states.product(product).state.principal_outstanding == Decimal("60.00")
        account, deal = new_account(new_company(), active=False), new_deal()
        head = store.head().position
        assert states.account(account, head).state.status == "pending"
        assert states.deal(deal, head).state.status == "active"
        assert not states.grant(uuid4(), head).state.exists


class TestAsOfABusinessDate:
    """As of D is as of the last position before the first SystemCycled later than D."""

    def test_it_lasts_until_the_next_date_is_cycled(self) -> None:
        company = new_company()
        cycle(MONDAY)
        rename(company, "Monday")
        rename(company, "Monday night")
        cycle(MONDAY + timedelta(days=1))
        rename(company, "Tuesday")
        assert name_of(company, MONDAY) == "Monday night"
        assert name_of(company, MONDAY + timedelta(days=1)) == "Tuesday"

    def test_dates_before_the_first_cycle_end_before_it(self) -> None:
        company = new_company()
        rename(company, "Before")
        cycle(MONDAY)
        rename(company, "After")
        first = as_of.last_cycled()
        assert first is not None
        for earlier in (MONDAY - timedelta(days=1), date(1970, 1, 1)):
            assert as_of.position_as_of(earlier, store.head().position) == first.position - 1
            assert name_of(company, earlier) == "Before"

    def test_the_last_date_cycled_lasts_until_the_head(self) -> None:
        cycle(MONDAY)
        assert as_of.position_as_of(MONDAY, store.head().position) == store.head().position
        new_company()
        assert as_of.position_as_of(MONDAY, store.head().position) == store.head().position

    def test_a_date_after_the_last_one_cycled_is_refused(self) -> None:
        cycle(MONDAY)
        with pytest.raises(DateNotCycled) as refused:
            resolved(MONDAY + timedelta(days=1))
        assert refused.value.last_date == MONDAY

    @pytest.mark.parametrize("day", [date(1899, 12, 31), date(3000, 1, 1), date.min, date.max])
    def test_a_date_that_is_no_business_date_is_refused(self, day: date) -> None:
        cycle(MONDAY)
        with pytest.raises(InvalidDate):
            as_of.resolve(day, store.head().position)

    def test_every_date_is_refused_before_anything_was_cycled(self) -> None:
        with pytest.raises(DateNotCycled, match="2026-.* has not begun: no date has been cycled yet"):
            resolved(MONDAY)

    def test_each_of_many_dates_ends_before_the_next_begins(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        company = new_company()
        last_positions = {}
        for number in range(40):
            day = MONDAY + timedelta(days=number)
            cycle(day)
            if number % 3:
                rename(company, f"{day}")
            last_positions[day] = store.head().position
        head = store.head().position
        for day, position in last_positions.items():
            with django_assert_max_num_queries(9):
                assert as_of.position_as_of(day, head) == position

    def test_an_event_is_booked_on_the_last_date_cycled_before_it(self) -> None:
        first = do(RegisterCompany(uuid4(), "Acme")).position
        cycle(MONDAY)
        cycled, after = store.head().position, do(RegisterCompany(uuid4(), "Acme")).position
        assert [as_of.booking_date(position) for position in (first, cycled, after)] == [None, None, MONDAY]


class TestTheCache:
    def test_reads_only_new_events(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        company = new_company()
        for number in range(5):
            rename(company, f"Name {number}")
        states.company(company)
        with django_assert_num_queries(1):
            assert name_of(company) == "Name 4"

    def test_is_bounded(self, settings: Settings) -> None:
        settings.AGGREGATE_CACHE_SIZE = 3
        states.cache_of.cache_clear()
        try:
            companies = [new_company() for _ in range(5)]
            assert [states.company(company).version for company in companies] == [1] * 5
            assert len(states.cache_of("company", "default")) == 3
        finally:
            states.cache_of.cache_clear()

    def test_drops_the_least_recently_used_aggregate(self, settings: Settings) -> None:
        settings.AGGREGATE_CACHE_SIZE = 2
        states.cache_of.cache_clear()
        try:
            first, second, third = (new_company() for _ in range(3))
            for company in (first, second, first, third):
                states.company(company)
            assert list(states.cache_of("company", "default")._kept) == [
                stream_id("company", uuid) for uuid in (first, third)
            ]
        finally:
            states.cache_of.cache_clear()

    def test_is_not_behind_what_another_thread_records(self) -> None:
        company = new_company()
        states.company(company)

        def work(number: int) -> str:
            name = f"Thread {number}"
            rename(company, name)
            mine = states.company(company)
            assert mine.version >= 2
            history = [event.data.name for event in store.read_stream(f"company-{company}")]
            assert mine.state.name == history[mine.version - 1]
            return name

        answers = together(*[lambda number=number: work(number) for number in range(8)])
        assert sorted(map(str, answers)) == [f"Thread {number}" for number in range(8)]
        assert states.company(company).version == 9

    def test_is_not_behind_what_another_process_records(self, run_manage: RunManage) -> None:
        company = new_company()
        states.company(company)
        code = (
            "from uuid import UUID; from ledger.handlers import execute;"
            "from ledger.rules.commands import RenameCompany;"
            f"execute(RenameCompany(UUID('{company}'), 'By another process'), actor='other')"
        )
        run_manage("shell", "-v0", "-c", code)
        assert name_of(company) == "By another process"

    def test_keeps_nothing_of_a_transaction_that_is_rolled_back(self) -> None:
        company = new_company()
        states.company(company)

        class Undone(Exception):
            pass

        def record_and_undo() -> None:
            with transaction.atomic():
                rename(company, "Never")
                assert name_of(company) == "Never"  # the transaction that recorded it sees it
                raise Undone

        with pytest.raises(Undone):
            record_and_undo()
        assert name_of(company).startswith("Company")
        rename(company, "Instead")  # at the version that was rolled back
        assert name_of(company) == "Instead"

    def test_does_not_show_another_thread_uncommitted_events(self) -> None:
        if connection.vendor != "postgresql":
            pytest.skip("on SQLite the other thread would wait for the transaction's end")
        company = new_company("10.00")

        with transaction.atomic():
            do(FundCompany(company, Decimal(5), "more"))
            assert states.company(company).state.balance == Decimal("15.00")
            [seen] = together(lambda: states.company(company).state.balance)
        assert seen == Decimal("10.00")
        assert states.company(company).state.balance == Decimal("15.00")

    def test_is_emptied_if_an_older_copy_of_the_database_was_restored(self, database: Database, tmp_path: Path) -> None:
        if database.vendor != "sqlite":
            pytest.skip("for PostgreSQL in tests/crash")
        path = Path(database.url.removeprefix("sqlite:///"))
        company, untouched = new_company(), new_company("7.00")
        _copy(path, tmp_path / "backup")
        rename(company, "Lost in the restore")
        gone = new_company()
        assert all(states.company(uuid).state.exists for uuid in (company, untouched, gone))
        _copy(tmp_path / "backup", path)
        assert name_of(company).startswith("Company")
        assert not states.company(gone).state.exists
        rename(company, "Recorded at the same version")
        assert name_of(company) == "Recorded at the same version"
        assert states.company(untouched).state.balance == Decimal("7.00")


def _copy(source: Path, target: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connections.close_all()
    for suffix in ("-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(source, target)


def test_a_state_is_the_fold_of_its_stream() -> None:
    product = new_product(new_asset())
    do(ApplyPayment(product, Decimal(30), "wire"))
    for category, (initial, evolve) in decide.STATES.items():
        for stream in {event.stream_id for event in store.read_all(category=category)}:
            folded = initial
            for event in store.read_stream(stream):
                folded = evolve(folded, event.data)
            uuid = UUID(stream.partition("-")[2])
            assert stream == stream_id(category, uuid)
            assert states.state(category, uuid).state == folded
