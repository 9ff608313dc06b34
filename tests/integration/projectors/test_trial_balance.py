"""The trial balance at a position, on a date as known then, and on a date as known now, against a sum of all lines."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.models import Generation
from ledger import as_of
from projectors import trial_balance as kept
from projectors.models import AccountSum, JournalLine, LateAccountSum
from projectors.queries.live import live
from projectors.queries.trial_balance import trial_balance, trial_balances_of
from projectors.verification.differences import Difference
from projectors.verification.verify import verify
from tests.support.databases import Database
from tests.support.ledger.random_histories import History, record
from tests.support.rounds import PROVES

Sums = dict[tuple[str, str, int], tuple[int, int]]


def added_up(counts: Callable[[JournalLine], bool], lines: Iterable[JournalLine] | None = None) -> Sums:
    """Return the sums of the lines that count, one by one: of all lines, or of those that were read before."""
    sums: Sums = {}
    for line in live(JournalLine) if lines is None else lines:
        if counts(line):
            key = (line.account, line.currency, line.minor_digits)
            debit, credit = sums.get(key, (0, 0))
            sums[key] = (debit + line.debit, credit + line.credit)
    return sums


def asked(up_to: int | None = None, *, business_date: date | None = None) -> Sums:
    return {tuple(line[:3]): tuple(line[3:]) for line in trial_balance(up_to, business_date=business_date)}  # type: ignore[misc] # a row or none


def dates() -> list[date]:
    return [event.data.new_date for event in store.read_all(types=["SystemCycled"])]


@pytest.fixture
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy the sums every few positions, so that a short history has many copies."""
    monkeypatch.setattr(kept, "SNAPSHOT_EVERY", 7)


@pytest.mark.usefixtures("short_steps")
@pytest.mark.parametrize("seed", [31, 32])
def test_the_sums_at_every_position_are_those_of_the_lines_up_to_it(database: Database, seed: int) -> None:
    record(History(seed, 150, fees_late=True).appends)
    catch_up("journal")
    lines = list(live(JournalLine))
    assert asked() == added_up(lambda _line: True, lines)
    for position in range(store.head().position + 1):
        assert asked(position) == added_up(lambda line, up_to=position: line.position <= up_to, lines)  # type: ignore[misc]


@pytest.mark.parametrize("seed", [33, 34])
def test_a_date_as_known_now_has_every_line_that_counts_for_it_or_earlier(database: Database, seed: int) -> None:
    record(History(seed, 200, fees_late=True).appends)
    catch_up("journal")
    assert live(LateAccountSum).exists()
    head, lines = store.head().position, list(live(JournalLine))
    for day in [*dates(), dates()[-1] + timedelta(days=1)]:
        for up_to in (None, head, *range(1, head, 13)):

            def counts(line: JournalLine, day: date = day, up_to: int | None = up_to) -> bool:
                return (line.business_date or day) <= day and (up_to is None or line.position <= up_to)

            assert asked(up_to, business_date=day) == added_up(counts, lines)


@pytest.mark.parametrize("seed", [33, 34])
def test_the_balances_of_several_dates_are_those_of_each(database: Database, seed: int) -> None:
    record(History(seed, 200, fees_late=True).appends)
    catch_up("journal")
    first, last = dates()[0] - timedelta(days=1), dates()[-1] + timedelta(days=1)
    for up_to in [store.head().position, *range(1, store.head().position, 17 if PROVES else 131)]:
        found = trial_balances_of(first, last, up_to)
        assert found == {day: trial_balance(up_to, business_date=day) for day in found}
        assert list(found)[0 :: len(found) - 1] == [first, last]


def test_a_date_as_known_then_has_what_was_recorded_when_it_ended(database: Database) -> None:
    record(History(33, 200, fees_late=True).appends)
    catch_up("journal")
    differs = False
    for day in dates():
        then = asked(as_of.position_as_of(day, store.head().position))
        assert then == added_up(lambda line, day=day: (line.booking_date or day) <= day)  # type: ignore[misc]
        differs |= then != asked(business_date=day)
    assert differs


def test_a_generation_without_sums_is_added_up_until_it_is_rebuilt(database: Database) -> None:
    appends = History(36, 200, fees_late=True).appends
    record(appends[:-20])
    catch_up("journal")
    AccountSum.objects.all().delete()
    LateAccountSum.objects.all().delete()
    Generation.objects.update(filled=[])  # an earlier release had no such tables
    record(appends[-20:])
    catch_up("journal")
    assert not AccountSum.objects.exists()
    assert asked() == added_up(lambda _line: True)
    day = dates()[-5]
    assert asked(business_date=day) == added_up(lambda line: (line.business_date or day) <= day)
    assert asked(50) == added_up(lambda line: line.position <= 50)
    verify(lambda _done, _total: None)


def test_a_trial_balance_reads_few_lines_of_a_long_journal(database: Database) -> None:
    record(History(37, 600).appends)
    catch_up("journal")
    days = dates()
    middle = days[len(days) // 2]
    with CaptureQueriesContext(connection) as queries:
        trial_balance()
        trial_balance(business_date=middle)
    walked = [query["sql"] for query in queries.captured_queries if "journalline" in query["sql"].lower()]
    assert all("position" in sql for sql in walked)
    ended = as_of.position_as_of(middle, store.head().position)
    copied = max(AccountSum.objects.filter(through__lte=ended).values_list("through", flat=True))
    assert live(JournalLine).filter(position__gt=copied, position__lte=ended).count() == 0


@pytest.mark.parametrize("model", [AccountSum, LateAccountSum])
def test_verification_finds_a_changed_sum(database: Database, model: type[AccountSum] | type[LateAccountSum]) -> None:
    record(History(33, 200, fees_late=True).appends)
    catch_up("journal")
    for row in (model.objects.order_by("id").first(), model.objects.order_by("id").last()):
        assert row is not None
        model.objects.filter(pk=row.pk).update(debit=row.debit + 1)
        with pytest.raises(Difference):
            verify(lambda _done, _total: None)
        model.objects.filter(pk=row.pk).update(debit=row.debit)
    verify(lambda _done, _total: None)
