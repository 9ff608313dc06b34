"""What an answer reflects, and waiting for it."""

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from threading import Thread
from typing import Any, Final
from uuid import uuid4

import pytest
from django.db import connection, connections

from eventstore import store
from eventstore.consumers import operator_actions
from eventstore.consumers.loop import catch_up
from ledger import daily_cycle
from ledger.rules.commands import FundCompany
from projectors.catalog import PROJECTORS
from tests.support.api.calling import LISTS, Api, problem
from tests.support.databases import Database
from tests.support.ledger.portfolio import do, new_account, new_company, new_product
from web.slots import slots

NAMES: Final = tuple(projector.name for projector in PROJECTORS)


def at_least(position: int, prefer: str | None = None) -> dict[str, str]:
    return {"Ledger-Min-Position": str(position)} | ({} if prefer is None else {"Prefer": prefer})


def test_a_list_tells_how_far_its_read_model_is_and_not_the_log(database: Database, api: Api) -> None:
    new_company("1.00")
    catch_up(*NAMES)
    caught_up = store.head().position
    new_company("1.00")
    for name in LISTS:
        assert api.get(f"/api/{name}")["Ledger-Position"] == str(caught_up)
        refused = api.get(f"/api/{name}", at_least(caught_up + 1))
        reported = problem(refused, 503, "not-reached")
        assert (reported["wanted"], reported["position"]) == (caught_up + 1, caught_up)
        assert (refused["Ledger-Position"], refused["Retry-After"]) == (str(caught_up), "1")
        assert "Preference-Applied" not in refused
        assert api.get(f"/api/{name}", at_least(caught_up)).status_code == 200
    catch_up(*NAMES)
    for name in LISTS:
        assert api.get(f"/api/{name}", at_least(caught_up + 1))["Ledger-Position"] == str(store.head().position)


def test_a_read_model_that_never_ran_reflects_nothing(database: Database, api: Api) -> None:
    new_company()
    for name in LISTS:
        response = api.get(f"/api/{name}")
        assert (response.json(), response["Ledger-Position"]) == ({"items": [], "next": None}, "0")


@pytest.mark.parametrize(
    "path",
    ["/api/business-date", "/api/events", "/api/consumers", "/api/companies/7c9e6679-7425-40de-944b-e07fc1f90ae7"],
)
def test_an_answer_read_from_the_log_reflects_its_head(path: str, database: Database, api: Api) -> None:
    for _ in range(2):
        new_company()
        head = store.head().position
        assert api.get(path, at_least(head))["Ledger-Position"] == str(head)
        refused = api.get(path, at_least(head + 1))
        problem(refused, 503, "not-reached")
        assert refused["Ledger-Position"] == str(head)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/companies/{uuid}", lambda reported: reported["position"]),
        ("/api/companies/{uuid}?as_of=1", lambda reported: reported["position"]),
        ("/api/events?after=1", lambda reported: reported["items"][-1]["position"]),
        ("/api/consumers", lambda reported: max(one["head"] for one in reported)),
        ("/api/balances", lambda reported: max(item["position"] for item in reported["items"])),
        ("/api/journal", lambda reported: max(item["position"] for item in reported["items"])),
    ],
)
def test_the_position_of_an_answer_covers_all_that_it_shows_while_others_record(
    path: str, shown: Callable[[Any], int], database: Database, api: Api
) -> None:
    uuid = new_company("1.00")
    catch_up(*NAMES)

    def record() -> None:
        do(FundCompany(company_uuid=uuid, amount=Decimal(1), currency="USD", reference="more"))
        catch_up("balances", "journal")
        connections.close_all()

    def then_record(execute: Callable[..., Any], *statement: Any) -> Any:
        found = execute(*statement)
        writer = Thread(target=record)
        writer.start()
        writer.join()
        return found

    with connection.execute_wrapper(then_record):
        answer = api.get(path.format(uuid=uuid))
    reflected = int(answer["Ledger-Position"])
    assert shown(answer.json()) <= reflected <= store.head().position
    assert "as_of" not in path or reflected == 1


def test_an_answer_to_a_command_can_be_read_back_at_once(database: Database, api: Api) -> None:
    response = api.command("register-company", {"name": "Acme"})
    position = response["Ledger-Position"]
    uuid = response.json()["events"][0]["stream_id"].removeprefix("company-")
    assert api.get(f"/api/companies/{uuid}", {"Ledger-Min-Position": position}).status_code == 200
    problem(api.get("/api/companies", {"Ledger-Min-Position": position}), 503, "not-reached")
    catching_up = Thread(target=_catch_up_after, args=(0.3,))
    catching_up.start()
    response = api.get("/api/companies", {"Ledger-Min-Position": position, "Prefer": "wait=8"})
    catching_up.join()
    assert [item["company_uuid"] for item in response.json()["items"]] == [uuid]
    assert response["Ledger-Position"] == position
    assert response["Preference-Applied"] == "wait=8"


def _catch_up_after(seconds: float) -> None:
    time.sleep(seconds)
    catch_up(*NAMES)
    connections.close_all()


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("Wait=1", "wait=1"),
        ('respond-async, wait="1"', "wait=1"),
        ("wait=0", None),
        ("await=1", None),
        ("wait=-1", None),
        ("wait", None),
        ("return=minimal", None),
    ],
)
def test_only_a_preference_to_wait_waits(prefer: str, applied: str | None, reader: Api) -> None:
    begun = time.monotonic()
    response = reader.get("/api/companies", at_least(9999, prefer))
    problem(response, 503, "not-reached")
    assert response.headers.get("Preference-Applied") == applied
    assert applied is None or time.monotonic() - begun >= 1


def test_nobody_waits_longer_than_ten_seconds(database: Database, api: Api) -> None:
    position = new_position()
    catching_up = Thread(target=_catch_up_after, args=(0.2,))
    catching_up.start()
    response = api.get("/api/companies", at_least(position, "wait=3600"))
    catching_up.join()
    assert (response.status_code, response["Preference-Applied"]) == (200, "wait=10")


def new_position() -> int:
    new_company()
    return store.head().position


def test_a_request_without_room_to_wait_is_answered_at_once(reader: Api) -> None:
    taken = [slot for client in range(-9, 0) if (slot := slots.take(client, 60)) is not None]
    assert taken
    try:
        response = reader.get("/api/companies", at_least(9999, "wait=10"))
        problem(response, 429, "too-many-requests")
        assert "Preference-Applied" not in response
        assert response["Retry-After"] == "5"
        assert response["RateLimit-Remaining"] == response["RateLimit-Limit"]
        assert "Ledger-Position" in response
    finally:
        for slot in taken:
            slot.give_back()


@pytest.mark.parametrize("given", ["", "x", "-1", "1.0", "+1", " 1 2", "9223372036854775808", "9" * 5000, "٣"])
def test_a_minimum_that_is_no_position_is_refused(given: str, reader: Api) -> None:
    for path in ("/api/companies", "/api/events", f"/api/companies/{uuid4()}"):
        refused = problem(reader.get(path, {"Ledger-Min-Position": given}), 422, "invalid-input")
        assert "Ledger-Min-Position" in refused["errors"][0]["detail"]


def test_the_trial_balance_as_of_a_position_waits_for_the_journal(database: Database, api: Api) -> None:
    new_company("5.00")
    catch_up(*NAMES)
    caught_up = store.head().position
    new_company("7.00")
    head = store.head().position
    assert sums(api, "") == sums(api, f"?as_of={caught_up}") == {"clearing_in": "5.00", "company_balances": "5.00"}
    problem(api.get(f"/api/trial-balance?as_of={head}"), 503, "not-reached")
    problem(api.get(f"/api/trial-balance?as_of={head + 1}"), 422, "position-beyond-head")
    problem(api.get("/api/trial-balance?as_of=2026-03-01"), 422, "date-not-cycled")
    catch_up(*NAMES)
    assert sums(api, f"?as_of={head}") == {"clearing_in": "12.00", "company_balances": "12.00"}
    assert sums(api, f"?as_of={caught_up}") == {"clearing_in": "5.00", "company_balances": "5.00"}
    assert sums(api, "?as_of=0") == {}
    response = api.get(f"/api/trial-balance?as_of={caught_up}")
    assert response["Ledger-Position"] == str(caught_up)


def sums(api: Api, query: str) -> dict[str, Any]:
    response = api.get(f"/api/trial-balance{query}")
    assert response.status_code == 200, response.content
    items = response.json()["items"]
    return {item["account"]: item["debit"] if item["debit"] != "0.00" else item["credit"] for item in items}


def test_the_trial_balance_of_the_open_date_is_as_far_as_the_journal(database: Database, api: Api) -> None:
    daily_cycle.cycle(date(2026, 3, 1))
    new_company("5.00")
    problem(api.get("/api/trial-balance?as_of=2026-03-01"), 503, "not-reached")
    catch_up(*NAMES)
    caught_up = store.head().position
    new_company("7.00")
    response = api.get("/api/trial-balance?as_of=2026-03-01")
    assert response["Ledger-Position"] == str(caught_up)
    assert sums(api, "?as_of=2026-03-01") == {"clearing_in": "5.00", "company_balances": "5.00"}
    daily_cycle.cycle(date(2026, 3, 2))
    problem(api.get("/api/trial-balance?as_of=2026-03-01"), 503, "not-reached")
    new_company("1.00")
    catch_up(*NAMES)
    assert sums(api, "?as_of=2026-03-01") == {"clearing_in": "12.00", "company_balances": "12.00"}
    assert sums(api, "?as_of=2026-03-02") == {"clearing_in": "13.00", "company_balances": "13.00"}
    assert sums(api, "?as_of=2026-02-28") == {}


def test_aging_is_of_the_last_date_unless_another_is_asked_for(database: Database, api: Api) -> None:

    assert api.get("/api/aging").json()["items"] == []
    refused = problem(api.get("/api/aging?business_date=2026-03-02"), 422, "date-not-cycled")
    begun = "The business date 2026-03-02 has not begun: no date has been cycled yet."
    assert refused["detail"] == f"{begun} Name a date that has begun, or none."
    new_product()  # due on 2026-03-01
    for day in (1, 2, 3):
        daily_cycle.cycle(date(2026, 3, day))
    assert buckets(api, "") == []
    problem(api.get("/api/aging?business_date=2026-03-02"), 503, "not-reached")
    catch_up(*NAMES)
    assert buckets(api, "") == buckets(api, "?business_date=2026-03-03") == [("2026-03-03", "1-30", "100.00")]
    assert buckets(api, "?business_date=2026-03-01") == [("2026-03-01", "current", "100.00")]
    assert buckets(api, "?business_date=2026-02-28") == []
    problem(api.get("/api/aging?business_date=2026-03-04"), 422, "date-not-cycled")


def buckets(api: Api, query: str) -> list[tuple[str, str, str]]:
    items = api.get(f"/api/aging{query}").json()["items"]
    return [(item["business_date"], item["bucket"], item["principal"]) for item in items]


def test_a_paused_read_model_continues_to_answer_as_of_its_position(database: Database, api: Api) -> None:
    account = new_account(new_company())
    catch_up(*NAMES)
    operator_actions.pause("balances", actor="tester")
    new_company()
    [item] = api.get("/api/accounts").json()["items"]
    assert item["account_uuid"] == str(account)
    problem(api.get("/api/accounts", at_least(store.head().position)), 503, "not-reached")


def test_read_models_elsewhere_are_waited_for_there(database: Database, read_database: Database, api: Api) -> None:
    new_company()
    head = store.head().position
    assert api.get("/api/companies")["Ledger-Position"] == "0"
    catch_up(*NAMES)
    response = api.get("/api/companies", at_least(head))
    assert (len(response.json()["items"]), response["Ledger-Position"]) == (1, str(head))
    assert api.get("/api/business-date")["Ledger-Position"] == str(head)
