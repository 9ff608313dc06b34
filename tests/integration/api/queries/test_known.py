"""The reports of a past date over HTTP, as known then and as known now."""

from datetime import date

import pytest

from eventstore import store
from eventstore.consumers.loop import catch_up
from ledger import as_of
from ledger.rules.money import from_minor
from projectors.catalog import PROJECTORS
from projectors.models import DailyActivity
from projectors.queries import aging, reports
from projectors.queries.aging import AgingLine
from projectors.queries.customer_sums import Moment, customer_sums, moment
from projectors.queries.live import live
from projectors.queries.trial_balance import TrialBalanceLine, trial_balance
from tests.support.api.calling import Api, problem
from tests.support.databases import Database
from tests.support.ledger.random_histories import History, record


def amount(minor: int, digits: int) -> str:
    return f"{from_minor(minor, digits):f}"


def sums(lines: list[TrialBalanceLine]) -> list[tuple[str, ...]]:
    return [(s.account, s.currency, amount(s.debit, s.minor_digits), amount(s.credit, s.minor_digits)) for s in lines]


def buckets(lines: list[AgingLine]) -> list[tuple[object, ...]]:
    return [(line.currency, line.bucket, amount(line.fees, line.minor_digits), line.products) for line in lines]


def owed(at: Moment) -> list[tuple[object, ...]]:
    return [
        (str(one.company_uuid), one.currency, amount(one.owed, one.minor_digits), one.products)
        for one in customer_sums(at)
    ]


def test_reports_of_a_date_differ_as_known_then_and_as_known_now(database: Database, api: Api) -> None:
    record(History(33, 250, fees_late=True).appends)
    catch_up(*(projector.name for projector in PROJECTORS))
    head = store.head().position
    differing = set()
    for day in [event.data.new_date for event in store.read_all(types=["SystemCycled"])]:
        expected = {
            "trial-balance": (
                sums(trial_balance(as_of.position_as_of(day, head))),
                sums(trial_balance(business_date=day)),
            ),
            "aging": (buckets(aging.as_known_then(day)), buckets(aging.as_known_now(day))),
            "customers": (owed(moment(as_of.position_as_of(day, head))), owed(moment(head, day))),
            "daily-activity": (activity(day, then=True), activity(day, then=False)),
        }
        for report, (then, now) in expected.items():
            assert answered(api, report, day, "&known=then") == then
            assert answered(api, report, day, "&known=now") == now == answered(api, report, day, "")
            if then != now:
                differing.add(report)
    assert differing == {"trial-balance", "aging", "customers", "daily-activity"}


def activity(day: date, *, then: bool) -> list[tuple[object, ...]]:
    rows = list(live(DailyActivity).filter(business_date=day).order_by("currency"))
    return [(row.currency or None, row.events) for row in (reports.known_then(rows) if then else rows)]


def answered(api: Api, report: str, day: date, known: str) -> list[tuple[object, ...]]:
    names = {
        **dict.fromkeys(("trial-balance", "customers"), f"as_of={day}"),
        "aging": f"business_date={day}",
        "daily-activity": f"from={day}&to={day}",
    }
    items = api.get(f"/api/{report}?{names[report]}{known}").json()["items"]
    fields = {
        "trial-balance": ("account", "currency", "debit", "credit"),
        "aging": ("currency", "bucket", "fees", "products"),
        "customers": ("company_uuid", "currency", "owed", "products"),
        "daily-activity": ("currency", "events"),
    }
    return [tuple(item[field] for field in fields[report]) for item in items]


@pytest.mark.parametrize("report", ["trial-balance", "aging", "customers", "daily-activity"])
def test_a_report_is_known_in_no_other_form(database: Database, api: Api, report: str) -> None:
    problem(api.get(f"/api/{report}?known=later"), 422, "invalid-input")
