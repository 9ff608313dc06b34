"""ETag, If-None-Match and If-Match: see Note [An entity's tag is its version]."""

from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from eventstore import store
from ledger import daily_cycle
from ledger.rules.commands import ActivateDeal, CreateDeal, RenameCompany
from ledger.rules.events import DealCompany
from tests.support.api.bodies import good
from tests.support.api.calling import Api, problem
from tests.support.ledger.portfolio import do, new_account, new_asset, new_company, new_deal, new_product, together
from web.api.commands import UUID_FIELDS
from web.api.entities import ENTITIES

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.one_database]


def path_of(company: UUID) -> str:
    return f"/api/companies/{company}"


def rename(api: Api, company: UUID, name: str, tag: str, key: str = "") -> Any:
    return api.command("rename-company", {"company_uuid": company, "name": name}, key=key, headers={"If-Match": tag})


def test_an_entity_is_answered_with_its_version_as_its_tag(api: Api) -> None:
    uuids = {
        "company": new_company(),
        "asset": new_asset(),
        "account": new_account(new_company()),
        "deal": new_deal(),
    }
    for category, uuid in uuids.items():
        answer = api.get(f"/api/{ENTITIES[category].plural}/{uuid}")
        assert answer["ETag"] == f'"{answer.json()["version"]}"'


@pytest.mark.parametrize("given", ["{}", "W/{}", '"99", {}', "*"])
def test_what_the_client_has_already_is_not_sent_again(given: str, api: Api) -> None:
    company = new_company()
    tag = api.get(path_of(company))["ETag"]
    answer = api.get(path_of(company), {"If-None-Match": given.format(tag)})
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    assert "Content-Type" not in answer
    assert answer["Ledger-Position"] == str(store.head().position)
    do(RenameCompany(company, "New"))
    changed = api.get(path_of(company), {"If-None-Match": tag})
    assert (changed.status_code, changed.json()["name"], changed["ETag"] == tag) == (200, "New", False)


def test_a_missing_company_is_not_found_with_any_entity_tag(api: Api) -> None:
    problem(api.get(path_of(uuid4()), {"If-None-Match": "*"}), 404, "not-found")


def test_a_membership_under_another_deal_has_another_tag(api: Api) -> None:
    company, tags = new_company(), set()
    for _ in range(2):
        deal = uuid4()
        do(CreateDeal(deal, 4, (DealCompany(company, "member"),), "gold"))
        do(ActivateDeal(deal))
        answer = api.get(f"{path_of(company)}/membership")
        assert answer.json()["version"] == 2
        tags.add(answer["ETag"])
    assert len(tags) == 2


def test_a_command_is_recorded_if_its_target_is_as_it_was_read(api: Api) -> None:
    company = new_company()
    tag = api.get(path_of(company))["ETag"]
    assert rename(api, company, "First", tag).status_code == 201
    before = store.head().position
    refused = rename(api, company, "Second", tag)
    reported = problem(refused, 409, "version-mismatch")
    assert (reported["expected_version"], reported["actual_version"]) == (1, 2)
    assert refused["ETag"] == '"2"'
    assert store.head().position == before
    assert rename(api, company, "Second", refused["ETag"]).status_code == 201
    for version, form in enumerate(('W/"{}"', '"{}-abc"', "{}", "*"), start=3):
        assert rename(api, company, f"Name {version}", form.format(version)).status_code == 201


def test_the_version_counts_before_any_rule(api: Api) -> None:
    account = new_account(new_company(), active=False)
    body = {"account_uuid": account}
    assert api.command("activate-funding-account", body, headers={"If-Match": '"1"'}).status_code == 201
    # It is active now, but what the client is to know first is that it has changed.
    reported = problem(
        api.command("activate-funding-account", body, headers={"If-Match": '"1"'}), 409, "version-mismatch"
    )
    assert reported["actual_version"] == 2
    refused = api.command("activate-funding-account", body, headers={"If-Match": '"2"'})
    assert refused.json()["type"] != "version-mismatch"


def test_a_repeat_answers_as_the_first_time_although_its_target_has_changed(api: Api) -> None:
    company = new_company()
    first = rename(api, company, "First", '"1"', key="k")
    again = rename(api, company, "First", '"1"', key="k")
    assert (first.content, again.content) == (first.content, first.content)
    assert "Idempotent-Replayed" not in first.headers
    assert again["Idempotent-Replayed"] == "true"


def test_of_many_that_have_read_the_same_version_one_is_recorded(api: Api) -> None:
    company = new_company()
    clients = [Api(api.token) for _ in range(6)]
    answers = together(*(partial(rename, client, company, f"name {n}", '"1"') for n, client in enumerate(clients)))
    assert sorted(answer.status_code for answer in answers if not isinstance(answer, Exception)) == [
        201,
        409,
        409,
        409,
        409,
        409,
    ]


@pytest.mark.parametrize("given", ["", "+7", '"x"', '"1", "2"', '"-1"', '"1', "W/1"])
def test_an_if_match_that_is_no_tag_is_refused(given: str, api: Api) -> None:
    reported = problem(rename(api, new_company(), "New", given), 422, "invalid-input")
    assert "If-Match" in reported["detail"]


def test_a_command_that_names_nothing_to_change_is_refused_by_its_rule(api: Api) -> None:
    body = {"position": 1, "reason": "by mistake"}
    problem(api.command("reverse-funding", body, headers={"If-Match": '"1"'}), 422, "one-target-required")


@pytest.mark.parametrize("name", UUID_FIELDS)
def test_a_command_that_creates_something_has_nothing_to_match(name: str, api: Api) -> None:
    reported = problem(api.command(name, good(name), headers={"If-Match": '"1"'}), 422, "invalid-input")
    assert "creates something" in reported["detail"]


@pytest.mark.parametrize("name", UUID_FIELDS)
def test_a_created_entity_is_found_at_its_location(name: str, api: Api) -> None:
    answer = api.command(name, good(name), key="k")
    found = api.get(answer["Location"])
    assert found.status_code == 200
    category = UUID_FIELDS[name].removesuffix("_uuid")
    assert answer.json()["events"][0]["stream_id"] == f"{category}-{found.json()[UUID_FIELDS[name]]}"


def test_what_creates_nothing_has_no_location(api: Api) -> None:
    assert "Location" not in api.command("fund-company", good("fund-company")).headers


def test_a_products_tag_changes_with_all_that_its_answer_depends_on(api: Api) -> None:
    product = new_product()
    daily_cycle.cycle(date(2026, 3, 1))
    tags = set()
    for day in (2, 3):
        answer = api.get(f"/api/products/{product}")
        assert Decimal(answer.json()["fees_outstanding"]) == 0
        tags.add((answer["ETag"], answer.content))
        daily_cycle.cycle(date(2026, 3, day))
    assert len({tag for tag, _ in tags}) == len({content for _, content in tags})
