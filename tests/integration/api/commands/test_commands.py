"""Each command over HTTP: what it takes, what it answers, and what it leaves in the log."""

from typing import Any

import pytest

from eventstore import store
from ledger.names import COMMANDS
from tests.support.api.bodies import GOOD, Body, good
from tests.support.api.calling import Api, problem
from web.api.commands import UUID_FIELDS

pytestmark = pytest.mark.one_database

NOT_SENT: dict[str, list[tuple[str, Any]]] = {
    "originate-product": [("companies", []), ("currency_digits", 2), ("status", "open")],
    "apply-payment": [("to_principal", "30.00"), ("to_fees", "0.00")],
    "reverse-funding": [("amount", "5.00")],
    "return-payout": [("amount", "40.00")],
    "reverse-payment": [("amount", "10.00"), ("to_principal", "10.00"), ("to_fees", "0.00")],
    "grant-balances": [("total", "150.00")],
    "write-off-product": [("principal", "100.00"), ("fees", "0.00")],
    "create-deal": [("status", "active")],
}
"""What a command decides itself, or takes from what it names."""


@pytest.fixture
def api(shared_api: Api) -> Api:
    return shared_api


def test_there_is_a_good_body_for_every_command() -> None:
    assert set(GOOD) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_answers_with_what_it_has_recorded(name: str, api: Api) -> None:
    body = good(name)
    before = store.head().position
    response = api.command(name, body)
    answer = response.json()
    assert response.status_code == 201, answer
    assert response["Content-Type"] == "application/json"
    recorded = list(store.read_all(after=before))
    assert answer == {
        "position": recorded[-1].position,
        "events": [
            {
                "position": event.position,
                "stream_id": event.stream_id,
                "version": event.version,
                "type": event.type,
                "payload": event.payload,
            }
            for event in recorded
        ],
    }
    assert [event.type for event in recorded] == GOOD[name][1]
    assert response["Ledger-Position"] == str(answer["position"])
    assert {event.actor for event in recorded} == {"robot"}


@pytest.mark.parametrize("name", UUID_FIELDS)
def test_a_uuid_that_is_left_out_is_made(name: str, api: Api) -> None:
    body = good(name)
    field = UUID_FIELDS[name]
    given = body.pop(field)
    answer = api.command(name, body).json()
    category = field.removesuffix("_uuid")
    assert answer["events"][0]["stream_id"].startswith(f"{category}-")
    assert answer["events"][0]["stream_id"] != f"{category}-{given}"
    assert answer["events"][0]["version"] == 1


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - set(UUID_FIELDS) - {"reverse-funding"}))
def test_a_target_that_must_be_there_is_asked_for(name: str, api: Api) -> None:
    body = good(name)
    target = next(field for field in body if field.endswith("_uuid"))
    del body[target]
    reported = problem(api.command(name, body), 422, "invalid-input")
    assert reported["errors"] == [{"pointer": f"/{target}", "detail": "is required"}]


@pytest.mark.parametrize(("name", "field", "value"), [(n, *one) for n, some in NOT_SENT.items() for one in some])
def test_what_a_command_decides_itself_is_unknown_to_it(name: str, field: str, value: Any, api: Api) -> None:
    body = good(name) | {field: value}
    before = store.head().position
    reported = problem(api.command(name, body), 422, "invalid-input")
    assert reported["errors"] == [{"pointer": f"/{field}", "detail": "unknown field"}]
    assert store.head().position == before


def test_what_a_grant_draws_from_each_source_is_unknown_to_it(api: Api) -> None:
    body = good("grant-balances")
    body["sources"][1]["amount"] = "1.00"
    reported = problem(api.command("grant-balances", body), 422, "invalid-input")
    assert reported["errors"] == [{"pointer": "/sources/1/amount", "detail": "unknown field"}]


def test_the_funding_of_an_asset_is_reversed_where_the_asset_is_named(api: Api) -> None:
    body: Body = good("fund-asset")
    position = api.command("fund-asset", body).json()["position"]
    reversal = {"asset_uuid": body["asset_uuid"], "position": position, "reason": "by mistake"}
    answer = api.command("reverse-funding", reversal).json()
    assert answer["events"][0]["stream_id"] == f"asset-{body['asset_uuid']}"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Request-ID": "req-1/2:3"}, "req-1/2:3"),
        ({"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}, "ab" * 16),
        ({"X-Request-ID": "req-1", "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}, "req-1"),
    ],
)
def test_a_request_id_becomes_the_events_correlation_id(headers: dict[str, str], expected: str, api: Api) -> None:
    position = api.command("register-company", {"name": "Acme"}, headers=headers).json()["position"]
    event = store.read_event(position)
    assert event is not None
    assert event.correlation_id == expected


@pytest.mark.parametrize("given", ["", "x" * 201, "two words", "a\tb", "é"])
def test_a_request_id_that_is_none_is_replaced(given: str, api: Api) -> None:
    position = api.command("register-company", {"name": "Acme"}, headers={"X-Request-ID": given}).json()["position"]
    event = store.read_event(position)
    assert event is not None
    assert len(event.correlation_id) == 36


def test_a_number_is_recorded_and_returned_with_the_digits_of_its_currency(api: Api) -> None:
    answer = api.command("fund-company", good("fund-company") | {"amount": "97.6", "currency": "JPY"})
    problem(answer, 422, "invalid-amount")
    answer = api.command("fund-company", good("fund-company") | {"amount": "97.6"}).json()
    assert answer["events"][0]["payload"]["amount"] == "97.60"
