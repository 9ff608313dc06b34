"""A report says through which date its late fees are complete."""

from datetime import date

import pytest

from eventstore.consumers.loop import catch_up
from ledger import daily_cycle
from projectors.catalog import PROJECTORS
from tests.support.api.calling import Api
from tests.support.databases import Database
from tests.support.ledger.portfolio import new_product

pytestmark = pytest.mark.one_database


def fees(api: Api, path: str) -> tuple[str | None, str]:
    answer = api.get(f"/api/{path}")
    assert answer.status_code == 200, answer.content
    return answer.headers.get("Fees-Assessed-Through"), answer["Fees-Complete"]


@pytest.mark.parametrize("path", ["trial-balance", "aging", "customers", "daily-activity"])
def test_a_report_says_whether_its_fees_are_complete(path: str, database: Database, api: Api) -> None:
    names = [projector.name for projector in PROJECTORS]
    new_product()  # due on 2026-03-01
    catch_up(*names)
    assert fees(api, path) == (None, "true")
    daily_cycle.cycle(date(2026, 3, 1))
    catch_up("late_fees")
    for day in (2, 3, 4):
        daily_cycle.cycle(date(2026, 3, day))
    catch_up(*names)
    incomplete = fees(api, path)
    assert incomplete[1] == "false"
    past = {
        "trial-balance": "?as_of=2026-03-01",
        "customers": "?as_of=2026-03-01",
        "aging": "?business_date=2026-03-01",
        "daily-activity": "?to=2026-03-01",
    }
    catch_up("late_fees", *names)
    assert fees(api, path) == ("2026-03-04", "true")
    assert fees(api, f"{path}{past[path]}")[1] == "true"
