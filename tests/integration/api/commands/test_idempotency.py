"""A repeated Idempotency-Key answers as the first time, and does nothing again."""

import json
from functools import partial
from typing import Any

import pytest

from eventstore import store
from ledger.names import COMMANDS
from tests.integration.api.conftest import NewApi
from tests.support.api.bodies import Body, funded_account, good
from tests.support.api.calling import Api, problem
from tests.support.ledger.portfolio import interfering, new_account, new_company, together

KEY = "my key"
U = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def content_of(response: Any) -> tuple[int, bytes, str]:
    """Return the part of an answer that must be the same in a repeat."""
    return response.status_code, response.content, response.headers.get("Ledger-Position")


@pytest.mark.one_database
@pytest.mark.parametrize("name", COMMANDS)
def test_a_repeat_answers_as_the_first_time_and_does_nothing_again(name: str, api: Api) -> None:
    body = good(name)
    first = api.command(name, body, key=KEY)
    assert first.status_code == 201
    after = store.head()
    api.command("register-company", {"name": "Somebody else meanwhile"})
    assert content_of(api.command(name, body, key=KEY)) == content_of(first)
    assert store.head().position == after.position + 1


def test_a_uuid_made_by_the_server_is_returned_again(api: Api) -> None:
    first = api.command("register-company", {"name": "Acme"}, key=KEY)
    assert content_of(api.command("register-company", {"name": "Acme"}, key=KEY)) == content_of(first)
    assert store.head().position == 1


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "97.61"},
        {"amount": "97.6000000000000000000000000000001"},
        {"amount": "976"},
        {"reference": "wire 8"},
        {"reference": "Wire 7"},
        {"company_uuid": U},
        {"currency": None},
    ],
)
@pytest.mark.one_database
def test_a_key_with_another_body_is_refused(other: Body, api: Api) -> None:
    body = good("fund-company")
    api.command("fund-company", body, key=KEY)
    before = store.head().position
    refusal = problem(api.command("fund-company", body | other, key=KEY), 422, "idempotency-key-reused")
    assert "new key" in refusal["detail"]
    assert store.head().position == before


@pytest.mark.one_database
def test_a_body_in_another_notation_is_the_same_body(api: Api) -> None:
    body = good("fund-company") | {"reference": "wïre 7"}
    company = str(body["company_uuid"])
    first = api.command("fund-company", body, key=KEY)
    ways = [
        f'{{"reference":"w\\u00efre 7","amount":"97.60","currency":"USD","company_uuid":"{company}"}}',
        f'{{ "company_uuid" : "{company.upper()}", "amount":"097.6000", "currency":"USD", "reference":"wïre 7" }}\n',
    ]
    for way in ways:
        again = api.post("/api/commands/fund-company", way.encode(), {"Idempotency-Key": KEY})
        assert content_of(again) == content_of(first)


@pytest.mark.one_database
def test_null_says_the_same_as_leaving_out(api: Api) -> None:
    body = {"product_line_id": 1, "companies": [{"company_uuid": new_company(), "role": "seller"}]}
    first = api.command("create-deal", body, key=KEY)
    assert content_of(
        api.command("create-deal", body | {"rating_tier": None, "deal_uuid": None}, key=KEY)
    ) == content_of(first)


@pytest.mark.one_database
def test_the_order_of_a_list_is_part_of_a_body(api: Api) -> None:
    body = good("grant-balances")
    api.command("grant-balances", body, key=KEY)
    turned = body | {"sources": body["sources"][::-1]}
    problem(api.command("grant-balances", turned, key=KEY), 422, "idempotency-key-reused")


def test_a_key_is_the_clients_own_and_for_one_command(api: Api, new_api: NewApi) -> None:
    one, other = {"name": "Acme"}, {"company_uuid": new_company(), "name": "Acme"}
    answers = [
        api.command("register-company", one, key=KEY),
        new_api("another-robot").command("register-company", one, key=KEY),
        api.command("rename-company", other, key=KEY),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer["Ledger-Position"] for answer in answers}) == 3


def test_a_client_whose_name_begins_as_anothers_does_not_meet_its_keys(new_api: NewApi) -> None:
    answers = [new_api(name).command("register-company", {"name": "Acme"}, key=KEY) for name in ("a", "a.b", "a-b")]
    assert len({answer["Ledger-Position"] for answer in answers}) == 3


def test_a_refusal_is_not_kept(api: Api) -> None:
    account = new_account(new_company())
    body = {"account_uuid": account, "amount": "40.00", "reference": "wire"}
    problem(api.command("pay-out-funds", body, key=KEY), 422, "currency-required")
    problem(api.command("pay-out-funds", body, key=KEY), 422, "currency-required")
    mended = body | {"account_uuid": funded_account("40.00")}
    assert api.command("pay-out-funds", mended, key=KEY).status_code == 201


def test_without_a_key_a_uuid_of_ones_own_makes_a_retry_safe(api: Api) -> None:
    body = good("register-company")
    api.command("register-company", body, key=None)
    refusal = problem(api.command("register-company", body, key=None), 409, "already-exists")
    assert (refusal["category"], refusal["uuid"]) == ("company", str(body["company_uuid"]))


class TestTwins:
    """The same request at the same moment; the success of one would be why the other is refused."""

    def close(self) -> tuple[str, Body, str]:
        account = new_account(new_company())
        return "close-funding-account", {"account_uuid": account, "reason": "done"}, f"account-{account}"

    def pay_out(self) -> tuple[str, Body, str]:
        account = funded_account("40.00")
        body = {"account_uuid": account, "amount": "40.00", "reference": "wire"}
        return "pay-out-funds", body, f"account-{account}"

    def register(self) -> tuple[str, Body, str]:
        return "register-company", {"company_uuid": U, "name": "Acme"}, f"company-{U}"

    def originate(self) -> tuple[str, Body, str]:
        body = good("originate-product")
        return "originate-product", body, f"asset-{body['asset_uuid']}"

    def grant(self) -> tuple[str, Body, str]:
        body = good("grant-balances")
        body["destinations"][0]["amount"] = "170.00"
        return "grant-balances", body, f"company-{body['sources'][0]['from_uuid']}"

    CASES = pytest.mark.parametrize("case", [close, pay_out, register, originate, grant])

    @CASES
    def test_all_hear_the_one_success(self, case: Any, api: Api) -> None:
        name, body, _ = case(self)
        before = store.head().position
        twins = [Api(api.token) for _ in range(8)]
        answers = together(*(partial(twin.command, name, body, key=KEY) for twin in twins))
        assert {content_of(answer) for answer in answers} == {content_of(answers[0])}
        assert content_of(answers[0])[0] == 201
        assert store.head().position == before + len(json.loads(content_of(answers[0])[1])["events"])

    @CASES
    def test_one_that_has_decided_on_what_its_twin_then_changed_hears_its_twins_success(
        self, case: Any, api: Api
    ) -> None:
        name, body, stream = case(self)
        heard: list[Any] = []
        twin = Api(api.token)
        with interfering(stream, lambda: heard.append(twin.command(name, body, key=KEY))) as interference:
            answer = api.command(name, body, key=KEY)
        interference.finish()
        assert interference.errors == []
        assert content_of(answer) == content_of(heard[0])
        assert answer.status_code == 201

    def test_one_with_another_body_hears_that_the_key_is_used_and_not_the_rule_that_its_twin_made_true(
        self, api: Api
    ) -> None:
        name, body, stream = self.pay_out()
        twin = Api(api.token)
        with interfering(stream, lambda: twin.command(name, body, key=KEY)):
            answer = api.command(name, body | {"reference": "another"}, key=KEY)
        problem(answer, 422, "idempotency-key-reused")
