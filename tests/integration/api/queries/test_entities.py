"""One thing at a time: each entity now and as it was, the business date, and what consumers are doing."""

import json
from datetime import date, timedelta
from io import StringIO
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command

from eventstore import store
from eventstore.consumers import operator_actions
from eventstore.consumers.loop import catch_up
from eventstore.json_values import to_json
from eventstore.records import RecordedEvent
from ledger import as_of, daily_cycle, memberships
from ledger.rules.commands import ActivateDeal, CreateDeal, DeleteDeal
from ledger.rules.events import DealCompany
from processmanagers.payoff import payoff
from tests.support.api.calling import Api, problem
from tests.support.databases import Database
from tests.support.ledger.folded_log import History as Folded
from tests.support.ledger.portfolio import do, new_company
from web.api.entities import ENTITIES


def fetched(api: Api, path: str, **headers: str) -> Any:
    response = api.get(path, headers)
    assert response.status_code == 200, response.content
    return response.json()


def path_of(event: RecordedEvent) -> str:
    return f"/api/{ENTITIES[event.category].plural}/{event.uuid}"


def expected(category: str, uuid: UUID, state: Any, last: RecordedEvent, at: int) -> dict[str, Any]:
    shown: dict[str, Any] = to_json({name: getattr(state, name) for name in ENTITIES[category].names})
    if category == "product":
        owed = payoff(uuid, state, at)
        shown |= to_json({"payoff": owed.amount, "fees_assessed_through": owed.fees_assessed_through})
    return {f"{category}_uuid": str(uuid), **shown, "version": last.version, "position": last.position}


@pytest.mark.parametrize("category", ENTITIES)
def test_an_entity_is_the_fold_of_its_events(category: str, reader: Api) -> None:
    folded = Folded()
    newest = {event.stream_id: event for event in folded.events if event.category == category}
    assert newest
    for stream_id, last in list(newest.items())[:5]:
        answer = fetched(reader, path_of(last))
        assert answer == expected(category, last.uuid, folded.at(stream_id, last.position), last, store.head().position)


@pytest.mark.parametrize("category", ENTITIES)
def test_as_of_a_position_later_events_do_not_count(category: str, reader: Api) -> None:
    folded = Folded()
    events = [event for event in folded.events if event.category == category][::7][:8]
    for event in events:
        # As of a position between its own and the next one of its stream it is as its own has left it.
        between = min(event.position + 1, store.head().position)
        last = next(one for one in store.read_stream(event.stream_id, up_to=between, backwards=True, limit=1))
        response = reader.get(f"{path_of(event)}?as_of={between}")
        answer = expected(category, event.uuid, folded.at(event.stream_id, between), last, between)
        assert response.json() == answer | {"as_of": between}
        assert response["Ledger-Position"] == str(between)


def test_as_of_a_business_date_is_as_it_ended(reader: Api) -> None:
    folded = Folded()
    cycles = [event for event in folded.events if event.type == "SystemCycled"]
    company = next(event for event in folded.events if event.type == "CompanyRegistered")
    for ended, following in pairwise(cycles):
        day = ended.data.new_date
        response = reader.get(f"{path_of(company)}?as_of={day}")
        assert response["Ledger-Position"] == str(following.position - 1)
        assert response.json()["as_of"] == str(day)
        assert response.json()["balance"] == to_json(folded.at(company.stream_id, following.position - 1).balance)
    last = fetched(reader, f"{path_of(company)}?as_of={cycles[-1].data.new_date}")
    assert last == fetched(reader, path_of(company)) | {"as_of": str(cycles[-1].data.new_date)}


def test_as_of_a_date_before_the_first_is_before_the_first_began(reader: Api) -> None:
    first = next(event for event in store.read_all() if event.type == "SystemCycled")
    company = next(event for event in store.read_all(category="company") if event.position < first.position)
    response = reader.get(f"{path_of(company)}?as_of=1900-01-01")
    assert response["Ledger-Position"] == str(first.position - 1)
    assert response.json() | {"as_of": 0} == fetched(reader, f"{path_of(company)}?as_of={first.position - 1}") | {
        "as_of": 0
    }


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "3000-01-01"])
def test_as_of_a_date_that_is_no_business_date_is_refused(day: str, reader: Api) -> None:
    company = next(iter(store.read_all(category="company")))
    problem(reader.get(f"{path_of(company)}?as_of={day}"), 422, "invalid-date")


@pytest.mark.parametrize("category", ENTITIES)
def test_an_entity_that_does_not_exist_yet_or_at_all_is_not_found(category: str, reader: Api) -> None:
    plural = ENTITIES[category].plural
    head = store.head().position
    missing = reader.get(f"/api/{plural}/{uuid4()}")
    assert "There is no" in problem(missing, 404, "not-found")["detail"]
    assert missing["Ledger-Position"] == str(head)
    first = next(event for event in store.read_all(category=category))
    early = reader.get(f"{path_of(first)}?as_of={first.position - 1}")
    assert f"as of {first.position - 1}" in problem(early, 404, "not-found")["detail"]
    assert early["Ledger-Position"] == str(first.position - 1)
    problem(reader.get(f"{path_of(first)}?as_of=0"), 404, "not-found")
    for wrong in ("nothing", "7c9e6679", f"{{{uuid4()}}}", "%00", "%F0%9F%92%A9", "9" * 5000):
        problem(reader.get(f"/api/{plural}/{wrong}"), 404, "not-found")


def test_a_uuid_is_the_same_in_capitals(reader: Api) -> None:
    company = next(store.read_all(category="company"))
    assert fetched(reader, f"/api/companies/{str(company.uuid).upper()}") == fetched(reader, path_of(company))


def test_a_position_or_a_date_that_is_not_yet_is_refused_with_what_there_is(reader: Api) -> None:
    path, head = path_of(next(store.read_all(category="company"))), store.head().position
    refused = problem(reader.get(f"{path}?as_of={head + 1}"), 422, "position-beyond-head")
    assert (refused["position"], refused["head"]) == (head + 1, head)
    cycled = as_of.last_cycled()
    assert cycled is not None
    last = cycled.data.new_date
    refused = problem(reader.get(f"{path}?as_of={last + timedelta(days=1)}"), 422, "date-not-cycled")
    assert refused["last_date"] == str(last)


@pytest.mark.parametrize(
    "given",
    ["", "x", "-1", "1.0", "1e3", "2026-02-30", "2026-2-1", "2026-W01-1", "%00", "%ED%A0%80", "9" * 4400, "1_0"],
)
def test_an_as_of_that_is_no_position_or_date_is_refused_with_its_place(given: str, reader: Api) -> None:
    refused = problem(reader.get(f"/api/companies/{uuid4()}?as_of={given}"), 422, "invalid-input")
    assert [fault["pointer"] for fault in refused["errors"]] == ["/as_of"]
    assert "recorded" not in refused["detail"]


def test_a_company_without_membership_differs_from_an_unknown_company(database: Database, api: Api) -> None:
    company, nobody = new_company(), uuid4()
    path = "/api/companies/{}/membership"
    assert problem(api.get(path.format(company)), 404, "not-found")["detail"].endswith(" is not a member.")
    for uuid, query, moment in ((nobody, "", ""), (company, "?as_of=0", " as of 0")):
        refused = problem(api.get(path.format(uuid) + query), 404, "not-found")
        assert refused["detail"] == f"There is no company {uuid}{moment}."


def test_a_membership_has_the_version_of_its_deal_now_and_in_the_past(database: Database, api: Api) -> None:
    company, deal = new_company(), uuid4()
    path = f"/api/companies/{company}/membership"
    problem(api.get(path), 404, "not-found")
    created = do(CreateDeal(deal, 4, (DealCompany(company, "member"),), "gold"))
    content = {"rating_tier": "gold", "deal_uuid": str(deal), "activated": False, "version": 1}
    assert fetched(api, path) == content | {"position": created.position}
    daily_cycle.cycle(date(2026, 3, 1))
    activated = do(ActivateDeal(deal))
    assert fetched(api, path) == content | {"activated": True, "version": 2, "position": activated.position}
    was = fetched(api, f"{path}?as_of={created.position}")
    assert was == content | {"position": created.position, "as_of": created.position}
    do(DeleteDeal(deal))
    problem(api.get(path), 404, "not-found")
    daily_cycle.cycle(date(2026, 3, 2))
    assert memberships.lookup(company).deal_uuid is None
    problem(api.get(f"{path}?as_of=2026-03-01"), 404, "not-found")


def test_the_business_date_is_null_before_the_first_and_then_the_last(database: Database, api: Api) -> None:
    nothing = dict.fromkeys(("business_date", "cycled_at", "position", "fees_assessed_through"))
    assert fetched(api, "/api/business-date") == nothing
    daily_cycle.cycle(date(2026, 3, 1))
    cycled = as_of.last_cycled()
    assert cycled is not None
    answer = fetched(api, "/api/business-date")
    assert answer == nothing | {
        "business_date": "2026-03-01",
        "cycled_at": cycled.recorded_at.isoformat(),
        "position": cycled.position,
    }


def test_consumers_are_the_same_as_in_the_command(api: Api) -> None:
    new_company()
    catch_up()
    operator_actions.pause("journal", actor="tester")
    new_company()
    written = StringIO()
    call_command("consumers", "--json", stdout=written)
    answer, printed = fetched(api, "/api/consumers"), json.loads(written.getvalue())
    for one in [*answer, *printed]:
        assert one.pop("lag_seconds") >= 0  # which grows meanwhile
    assert answer == printed
    assert {one["lag_events"] for one in answer} >= {1}


@pytest.mark.one_database
@pytest.mark.parametrize(
    "path",
    [
        f"/api/companies/{UUID(int=1)}",
        f"/api/companies/{UUID(int=1)}/membership",
        "/api/business-date",
        "/api/events",
        "/api/events/1",
        "/api/events/stream",
        "/api/consumers",
        "/api/companies",
        "/api/deals",
        "/api/accounts",
        "/api/balances",
        "/api/products",
        "/api/journal",
        "/api/trial-balance",
        "/api/aging",
        "/api/customers",
        "/api/daily-activity",
    ],
)
def test_a_parameter_that_a_query_does_not_take_or_that_is_there_twice_is_refused(path: str, reader: Api) -> None:
    refused = problem(reader.get(f"{path}?company_uid=1&%00=1&a~/b=2"), 422, "invalid-input")
    assert [fault["pointer"] for fault in refused["errors"]] == ["/company_uid", "/", "/a~0~1b"]
    if path.count("/") == 2 and path.rpartition("/")[2] not in {"business-date", "consumers"}:
        name = "type" if path == "/api/events" else "limit"
        value = "SystemCycled" if name == "type" else "5"
        refused = problem(reader.get(f"{path}?{name}={value}&{name}={value}"), 422, "invalid-input")
        assert refused["errors"] == [{"pointer": f"/{name}", "detail": "must not be given twice"}]


def test_a_command_takes_no_parameter_at_all_and_is_not_done_where_one_is_given(database: Database, api: Api) -> None:
    refused = problem(api.command("register-company?dry_run=true", {"name": "Acme"}), 422, "invalid-input")
    assert refused["errors"] == [{"pointer": "/dry_run", "detail": "unknown parameter"}]
    assert store.head().position == 0
