"""The daily cycle publishes each business date once and in order, on any number of machines and with any clock."""

import signal
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from pytest_django import Settings

from eventstore import store
from eventstore.consumers import checkpoints, operator_actions
from ledger import as_of
from ledger.daily_cycle import business_today, cycle, published
from ledger.rules.dates import FIRST_DATE, LAST_DATE
from ledger.rules.refusals.dates import TooManyMissingDates
from ledger.rules.refusals.fields import InvalidDate
from tests.support.databases import Database
from tests.support.ledger.portfolio import interfering, together
from tests.support.patience import wait_until
from tests.support.processes import RunManage, StartManage

pytestmark = pytest.mark.usefixtures("database")

ONE_DAY = timedelta(days=1)
MONDAY = date(2026, 3, 2)


def cycled() -> list[date]:
    return [event.data.new_date for event in store.read_stream("system")]


def days(first: date, number: int) -> list[date]:
    return [first + timedelta(days=offset) for offset in range(number)]


class TestWhatIsPublished:
    def test_the_first_run_publishes_today_alone(self) -> None:
        assert cycle(MONDAY) == [MONDAY]
        assert cycled() == [MONDAY]

    def test_a_second_run_publishes_nothing(self) -> None:
        cycle(MONDAY)
        assert cycle(MONDAY) == []
        assert cycled() == [MONDAY]

    def test_missing_dates_are_published_in_order_one_event_each_and_todays_last(self) -> None:
        cycle(MONDAY)
        assert cycle(MONDAY + 5 * ONE_DAY) == days(MONDAY + ONE_DAY, 5)
        assert cycled() == days(MONDAY, 6)

    def test_it_never_goes_back(self) -> None:
        cycle(MONDAY)
        assert cycle(MONDAY - ONE_DAY) == cycle(date(1999, 12, 31)) == []
        assert cycled() == [MONDAY]

    def test_it_continues_after_the_clock_was_set_back_and_corrected(self) -> None:
        for today in (MONDAY, MONDAY - 3 * ONE_DAY, MONDAY + ONE_DAY, MONDAY, MONDAY + 3 * ONE_DAY):
            cycle(today)
        assert cycled() == days(MONDAY, 4)

    @pytest.mark.parametrize(
        "first",
        [
            date(2024, 2, 27),
            date(2025, 2, 27),
            date(2000, 2, 28),
            date(2026, 12, 30),
            date(2026, 3, 7),
            date(2026, 10, 31),
        ],
        ids=["leap year", "no leap year", "leap century", "year end", "clocks forward", "clocks back"],
    )
    @pytest.mark.one_database
    def test_leap_days_year_ends_and_days_without_24_hours_are_published_like_any_date(self, first: date) -> None:
        cycle(first)
        cycle(first + 4 * ONE_DAY)
        assert cycled() == days(first, 5)

    @pytest.mark.one_database
    def test_after_the_last_date_that_there_is_nothing_is_missing(self) -> None:
        assert cycle(LAST_DATE) == [LAST_DATE]
        assert cycle(LAST_DATE) == cycle(MONDAY) == []

    @pytest.mark.parametrize("today", [FIRST_DATE - ONE_DAY, LAST_DATE + ONE_DAY, date.min, date.max])
    @pytest.mark.one_database
    def test_a_date_out_of_bounds_is_refused(self, today: date) -> None:
        with pytest.raises(InvalidDate, match="business dates lie between 1900-01-01 and 2999-12-31"):
            cycle(today)
        assert cycled() == []

    def test_each_event_has_its_actor_and_a_correlation_id_of_its_date(self) -> None:
        cycle(MONDAY)
        cycle(MONDAY + 2 * ONE_DAY, actor="import_receivables")
        events = list(store.read_stream("system"))
        assert [event.actor for event in events] == ["daily_cycle", "import_receivables", "import_receivables"]
        assert len({event.correlation_id for event in events}) == 3

    def test_it_continues_from_a_date_that_another_process_published(self) -> None:
        cycle(MONDAY)
        first, *rest = published(MONDAY + 3 * ONE_DAY, actor="one")
        assert cycled() == days(MONDAY, 4)
        assert (first, len(rest)) == (MONDAY + ONE_DAY, 2)
        mine = []
        for new_date in published(MONDAY + 6 * ONE_DAY, actor="one"):
            mine.append(new_date)
            if len(mine) == 1:
                cycle(MONDAY + 5 * ONE_DAY, actor="two")
        assert mine == [MONDAY + 4 * ONE_DAY, MONDAY + 6 * ONE_DAY]
        assert cycled() == days(MONDAY, 7)


@pytest.mark.one_database
class TestAGap:
    def test_above_the_limit_is_refused_with_its_size_and_both_ends(self, settings: Settings) -> None:
        settings.DAILY_CYCLE_MAX_GAP_DAYS = 3
        cycle(MONDAY)
        with pytest.raises(TooManyMissingDates) as refused:
            cycle(MONDAY + 4 * ONE_DAY)
        assert refused.value.facts == {
            "missing": 4,
            "first_date": MONDAY + ONE_DAY,
            "last_date": MONDAY + 4 * ONE_DAY,
            "most": 3,
        }
        assert cycled() == [MONDAY]

    def test_at_the_limit_is_published(self, settings: Settings) -> None:
        settings.DAILY_CYCLE_MAX_GAP_DAYS = 3
        cycle(MONDAY)
        assert len(cycle(MONDAY + 3 * ONE_DAY)) == 3

    def test_after_the_first_run_of_another_process_at_the_same_moment_is_refused_too(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cycle(MONDAY, actor="two")
        looks = iter([None])
        monkeypatch.setattr("ledger.daily_cycle.last_cycled", lambda using: next(looks, as_of.last_cycled(using=using)))
        with pytest.raises(TooManyMissingDates):
            cycle(MONDAY + 400 * ONE_DAY)
        assert cycled() == [MONDAY]

    def test_of_any_size_is_published_with_catch_up(self) -> None:
        cycle(MONDAY)
        assert len(cycle(MONDAY + 400 * ONE_DAY, catch_up=True)) == 400


@pytest.mark.one_database
class TestToday:
    @pytest.mark.parametrize(
        ("moment", "expected"),
        [
            (datetime(2026, 1, 15, 23, 30, tzinfo=ZoneInfo("America/Los_Angeles")), date(2026, 1, 15)),
            (datetime(2026, 1, 16, 0, 0, tzinfo=ZoneInfo("America/Los_Angeles")), date(2026, 1, 16)),
            (datetime(2026, 1, 16, 7, 59, 59, tzinfo=UTC), date(2026, 1, 15)),
            (datetime(2026, 1, 16, 8, 0, tzinfo=UTC), date(2026, 1, 16)),
            (datetime(2026, 7, 16, 6, 59, 59, tzinfo=UTC), date(2026, 7, 15)),
            (datetime(2026, 7, 16, 7, 0, tzinfo=UTC), date(2026, 7, 16)),
            (datetime(2026, 3, 8, 9, 59, tzinfo=UTC), date(2026, 3, 8)),  # 01:59, and the clocks go forward
            (datetime(2026, 11, 2, 7, 59, tzinfo=UTC), date(2026, 11, 1)),  # the day that has 25 hours
            (datetime(2027, 1, 1, 7, 59, tzinfo=UTC), date(2026, 12, 31)),
            (datetime(2028, 2, 29, 12, 0, tzinfo=UTC), date(2028, 2, 29)),
        ],
    )
    def test_is_the_date_in_the_business_time_zone(self, moment: datetime, expected: date) -> None:
        with time_machine.travel(moment, tick=False):
            assert business_today() == expected

    def test_follows_the_setting(self, settings: Settings) -> None:
        settings.BUSINESS_TIME_ZONE = "Pacific/Kiritimati"
        with time_machine.travel(datetime(2026, 1, 15, 10, 0, tzinfo=UTC), tick=False):
            assert business_today() == date(2026, 1, 16)

    @pytest.mark.parametrize("first", [date(2026, 3, 6), date(2026, 10, 30)], ids=["forward", "back"])
    def test_looking_every_hour_over_a_change_of_the_clocks_publishes_each_date_once(self, first: date) -> None:
        begin = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC)
        for hour in range(4 * 24 - 1):
            with time_machine.travel(begin + timedelta(hours=hour), tick=False):
                cycle(business_today())
        assert cycled() == days(first, 4)


class TestAtOnce:
    def test_many_threads_publish_each_date_once(self) -> None:
        cycle(MONDAY)
        answers = together(*[lambda: cycle(MONDAY + 10 * ONE_DAY)] * 8)
        assert cycled() == days(MONDAY, 11)
        assert sorted(day for answer in answers if isinstance(answer, list) for day in answer) == cycled()[1:]

    def test_a_run_that_was_overtaken_looks_again(self) -> None:
        cycle(MONDAY)
        with interfering("SystemCycled", lambda: cycle(MONDAY + ONE_DAY)) as other:
            assert cycle(MONDAY + 2 * ONE_DAY) == [MONDAY + 2 * ONE_DAY]
        assert not other.errors
        assert cycled() == days(MONDAY, 3)

    def test_ten_processes_publish_each_date_exactly_once(self, start_manage: StartManage) -> None:
        cycle(date(2026, 1, 1))
        started = [start_manage("daily_cycle", "--catch-up", "--today", "2026-01-31") for _ in range(10)]
        assert [process.wait() for process in started] == [0] * 10
        assert cycled() == days(date(2026, 1, 1), 31)
        published_dates = [line for process in started for line in process.output().split()]
        assert sorted(published_dates) == [f"{day}" for day in cycled()[1:]]

    def test_ten_processes_publish_the_very_first_date_exactly_once(self, start_manage: StartManage) -> None:
        started = [start_manage("daily_cycle", "--catch-up", "--today", "2026-01-31") for _ in range(10)]
        assert [process.wait() for process in started] == [0] * 10
        assert cycled() == [date(2026, 1, 31)]

    def test_a_killed_run_that_is_run_again_leaves_out_no_date(self, start_manage: StartManage) -> None:
        first, number = date(2021, 1, 1), 2_000
        command = ["daily_cycle", "--catch-up", "--today", str(first + ONE_DAY * (number - 1))]
        cycle(first)
        for _ in range(3):
            process = start_manage(*command)
            wait_until(partial(_grown, len(cycled()) + 5))
            process.kill_group()
        assert 16 < len(cycled()) < number
        assert start_manage(*command).wait() == 0
        assert cycled() == days(first, number)


@pytest.mark.one_database
class TestTheCommand:
    def test_prints_the_dates_or_that_there_are_none(self, run_manage: RunManage) -> None:
        run_manage("daily_cycle", "--today", "2026-01-30", "--catch-up")
        done = run_manage("daily_cycle", "--today", "2026-02-01")
        assert done.stdout.split() == ["2026-01-31", "2026-02-01"]
        again = run_manage("daily_cycle", "--today", "2026-02-01")
        assert (again.stdout, "2026-02-01 is cycled already" in again.stderr) == ("", True)
        past = run_manage("daily_cycle", "--today", "2020-01-31")
        assert (past.stdout, past.returncode) == ("", 0)
        assert "2020-01-31 is before the last date cycled, 2026-02-01: a cycle never goes back" in past.stderr

    def test_publishes_the_business_date_of_now(self, run_manage: RunManage) -> None:
        done = run_manage("daily_cycle")
        assert done.stdout.split() == [f"{day}" for day in cycled()]
        assert cycled()[0] in {business_today(), business_today() - ONE_DAY}

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--today", "2026-13-01"], "'2026-13-01' is not a date"),
            (["--today", "2999-01-01"], "after today's business date"),
            (["--today", "1899-12-31"], "business dates lie between 1900-01-01 and 2999-12-31"),
            (["--today", "3000-01-01", "--future"], "business dates lie between 1900-01-01 and 2999-12-31"),
            (["--today", "1924-01-01"], "no date is cycled yet, and --today 1924-01-01 is "),
            (["--future"], "--future is used only with --today"),
            (["--period", "5"], "--period is used only with --loop"),
            (["--loop", "--period", "0"], "'0' is not a number of seconds"),
            (["--loop", "--period", "nan"], "'nan' is not a number of seconds"),
        ],
    )
    def test_refuses_invalid_options(self, run_manage: RunManage, arguments: list[str], said: str) -> None:
        done = run_manage("daily_cycle", *arguments, check=False)
        assert done.returncode != 0
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert cycled() == []

    def test_publishes_a_future_date_with_future(self, run_manage: RunManage) -> None:
        assert run_manage("daily_cycle", "--today", "2999-01-01", "--future").stdout.split() == ["2999-01-01"]

    def test_refuses_a_gap_above_the_limit_without_catch_up(self, run_manage: RunManage) -> None:
        cycle(date(2024, 1, 1))
        done = run_manage("daily_cycle", "--today", "2025-03-01", check=False)
        assert done.returncode == 1
        assert "425 business dates are missing, from 2024-01-02 to 2025-03-01, and 366 is the most" in done.stderr
        assert len(done.stderr.strip().splitlines()[-1:]) == 1
        done = run_manage("daily_cycle", "--today", "2025-03-01", "--catch-up")
        assert len(done.stdout.split()) == 425

    def test_takes_the_largest_gap_from_the_environment(self, run_manage: RunManage) -> None:
        cycle(MONDAY)
        gap = {"DAILY_CYCLE_MAX_GAP": "2"}
        assert run_manage("daily_cycle", "--today", "2026-03-05", env=gap, check=False).returncode == 1
        assert len(run_manage("daily_cycle", "--today", "2026-03-04", env=gap).stdout.split()) == 2

    def test_begins_with_a_date_long_past_with_catch_up(self, run_manage: RunManage) -> None:
        assert run_manage("daily_cycle", "--today", "1924-01-01", "--catch-up").stdout.split() == ["1924-01-01"]

    def test_says_how_far_late_fees_is_behind_and_continues(self, run_manage: RunManage) -> None:
        checkpoints.register("late_fees")
        cycle(MONDAY)
        on_time = run_manage("daily_cycle", "--today", f"{MONDAY + ONE_DAY}")
        assert "behind" not in on_time.stderr
        operator_actions.pause("late_fees", actor="anna", reason="month end")
        late = run_manage("daily_cycle", "--today", f"{MONDAY + 2 * ONE_DAY}")
        assert (
            "late_fees is 2 dates behind: late fees are not complete for any date; it is paused by anna" in late.stderr
        )
        assert late.stdout.split() == [f"{MONDAY + 2 * ONE_DAY}"]

    def test_names_each_process_manager_that_was_never_registered(self, run_manage: RunManage) -> None:
        assert "late_fees was never registered" in run_manage("daily_cycle").stderr
        run_manage("run_processmanager", "late_fees", "--once")
        assert "never registered" not in run_manage("daily_cycle").stderr


class TestTheLoop:
    def test_runs_repeatedly_and_exits_with_0_after_a_signal(self, start_manage: StartManage) -> None:
        process = start_manage("daily_cycle", "--loop", "--period", "0.1")
        wait_until(lambda: len(cycled()) == 1)
        wait_until(lambda: process.output().split() == [f"{cycled()[0]}"])
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        assert "Traceback" not in process.stderr_path.read_text()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_the_wait(self, start_manage: StartManage, number: signal.Signals) -> None:
        process = start_manage("daily_cycle", "--loop")  # for an hour
        wait_until(lambda: len(cycled()) == 1)
        process.send_signal(number)
        assert process.wait() == 0

    def test_publishes_the_dates_that_became_missing(self, start_manage: StartManage) -> None:
        # Where the one is, the day before that of the other is not over yet, whatever the time.
        west = start_manage("daily_cycle", "--loop", "--period", "0.1", env={"BUSINESS_TIME_ZONE": "Etc/GMT+12"})
        wait_until(lambda: len(cycled()) == 1)
        [first] = cycled()
        east = start_manage("daily_cycle", "--loop", "--period", "0.1", env={"BUSINESS_TIME_ZONE": "Etc/GMT-14"})
        wait_until(lambda: len(cycled()) >= 2)
        assert cycled() == days(first, len(cycled()))
        assert west.poll() is None
        assert east.poll() is None

    def test_survives_a_lost_database(self, database: Database, start_manage: StartManage) -> None:
        if database.vendor != "postgresql":
            pytest.skip("SQLite has no connection to lose")
        process = start_manage("daily_cycle", "--loop", "--period", "0.1")
        wait_until(lambda: len(cycled()) == 1)
        _end_other_connections()
        wait_until(lambda: "looking again in" in process.stderr_path.read_text())
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0

    def test_waits_for_a_database_that_is_away_at_start(
        self, database: Database, start_manage: StartManage, tmp_path: Path
    ) -> None:
        if database.vendor != "postgresql":
            pytest.skip("a file that is away is refused by the settings")
        url, _, there = database.url.partition("?host=")
        process = start_manage("daily_cycle", "--loop", env={"DATABASE_URL": f"{url}?host={tmp_path}"})
        wait_until(lambda: "looking again in" in process.stderr_path.read_text())
        (tmp_path / ".s.PGSQL.5432").symlink_to(Path(there) / ".s.PGSQL.5432")
        wait_until(lambda: process.output() == f"{business_today()}\n")


def _grown(number: int) -> bool:
    return len(cycled()) > number


def _end_other_connections() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_database_that_is_not_migrated_is_reported(run_manage: RunManage, tmp_path: object) -> None:
    done = run_manage("daily_cycle", check=False, env={"DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3"})
    assert done.returncode == 1
    assert "is not migrated; run: manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr
