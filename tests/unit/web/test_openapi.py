"""The OpenAPI document is valid and says what a client needs to know; other tests compare it with the answers."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from openapi_spec_validator import validate

from ledger.currencies import MINOR_DIGITS
from ledger.names import COMMANDS, permission
from web.api.application import api

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
    return read


OPERATED = dict.fromkeys(("register-webhook", "act-on-webhook"), "ledger.operate_consumers")


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path_item in document["paths"].values():
        yield from path_item.values()


def test_it_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_every_error_is_documented_as_the_problem_that_it_is(document: dict[str, Any]) -> None:
    for operation in operations(document):
        errors = {status: described for status, described in operation["responses"].items() if int(status) >= 400}
        assert {"401", "403", "422", "503"} <= set(errors)
        assert all(list(described["content"]) == [PROBLEM] for described in errors.values()), operation["operationId"]


def test_every_operation_asks_for_somebody_and_says_which_permission(document: dict[str, Any]) -> None:
    for operation in operations(document):
        name = operation["operationId"]
        asked = permission(name) if name in COMMANDS else OPERATED.get(name, "ledger.view_ledger")
        assert f"`{asked}`" in operation["description"]
        assert operation["security"] == [{"Bearer": []}, {"ClientCredentials": []}, {"Session": []}]


def test_every_command_and_every_answer_has_an_example(document: dict[str, Any]) -> None:
    for operation in operations(document):
        if operation["operationId"] in COMMANDS:
            assert operation["requestBody"]["content"]["application/json"]["example"]
        done = next(described for status, described in operation["responses"].items() if int(status) < 400)
        assert all("example" in content for content in done["content"].values()), operation["operationId"]


def test_headers_are_documented_where_they_matter(document: dict[str, Any]) -> None:
    for operation in operations(document):
        answers, taken = operation["responses"], {parameter["name"] for parameter in operation["parameters"]}
        assert "WWW-Authenticate" in answers["401"]["headers"]
        assert "Retry-After" in answers["503"]["headers"]
        assert ("Idempotency-Key" in taken) == (operation["operationId"] in COMMANDS)
        assert "X-Request-ID" in taken


def fields(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every field of a request and of its parts by name, with the schema of its value that is not null."""
    for name, described in schema["properties"].items():
        kind = next((one for one in described.get("anyOf", ()) if one != {"type": "null"}), described)
        yield name, kind
        if "$ref" in kind.get("items", {}):
            yield from fields(schemas[kind["items"]["$ref"].rpartition("/")[2]], schemas)


def test_the_fields_of_commands_have_the_limits_of_the_rules(document: dict[str, Any]) -> None:
    schemas, described = document["components"]["schemas"], defaultdict(list)
    for operation in operations(document):
        if operation["operationId"] in COMMANDS:
            form = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            for name, schema in fields(schemas[form], schemas):
                described[name].append(schema)
    assert {one["maxLength"] for name in ("reference", "label", "name", "role") for one in described[name]} == {200}
    assert [one["enum"] for one in described["from_type"]] == [["asset", "company"]]
    assert {(one["minimum"], one["maximum"]) for one in described["product_line_id"]} == {(1, 4)}
    assert {one["pattern"] for one in described["currency"]} == {"^[A-Z]{3}$"}
    [rate] = described["daily_late_fee_rate"]
    assert all(0 <= Decimal(example) <= 1 for example in rate["examples"])
    for name in ("currency", "daily_late_fee_rate", "late_fee_payer_role", "product_line_id", "rating_tier", "role"):
        assert all(one["description"] for one in described[name]), name


def test_every_currency_matches_the_documented_pattern() -> None:
    assert all(re.fullmatch("[A-Z]{3}", code) for code in MINOR_DIGITS)


def test_a_description_names_no_field_that_is_not_answered(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        named = set(re.findall(r"`(\w+)`", schema.get("description", "")))
        values = set(re.findall(r"\w+", json.dumps([schema.get("properties", {}), schema.get("enum", [])])))
        assert named <= values | {"written_off", "paid", "open"}, name
    for name, said in {
        "TrialBalanceLine": "sum",
        "FundingAccount": "A funding account of a company",
        "CompanyState": "A company",
        "AssetState": "A receivable",
        "MembershipState": "The membership of a company",
    }.items():
        assert said in schemas[name]["description"]
        assert not {"reversed", "products", "zero", "empty"} & set(re.findall(r"\w+", schemas[name]["description"]))


def test_no_amount_is_a_number(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert {name for name, schema in schemas.items() if '"number"' in json.dumps(schema)} == {"Consumer"}
