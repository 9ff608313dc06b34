"""The OpenAPI document is valid and tells what a client needs to know; that it tells the truth is tested elsewhere."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from ledger.names import COMMANDS, permission
from settings.api import api

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
    return read


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path_item in document["paths"].values():
        yield from path_item.values()


def test_it_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_every_error_is_documented_as_the_problem_that_it_is(document: dict[str, Any]) -> None:
    for operation in operations(document):
        errors = {status: told for status, told in operation["responses"].items() if int(status) >= 400}
        assert {"401", "403", "422", "503"} <= set(errors)
        assert all(list(told["content"]) == [PROBLEM] for told in errors.values()), operation["operationId"]


def test_every_operation_asks_for_somebody_and_says_which_permission(document: dict[str, Any]) -> None:
    for operation in operations(document):
        name = operation["operationId"]
        asked = permission(name) if name in COMMANDS else "ledger.view_ledger"
        assert f"`{asked}`" in operation["description"]
        assert operation["security"] == [{"Bearer": []}, {"ClientCredentials": []}, {"Session": []}]


def test_every_command_and_every_answer_has_an_example(document: dict[str, Any]) -> None:
    for operation in operations(document):
        if operation["operationId"] in COMMANDS:
            assert operation["requestBody"]["content"]["application/json"]["example"]
        done = next(told for status, told in operation["responses"].items() if int(status) < 400)
        assert all("example" in content for content in done["content"].values()), operation["operationId"]


def test_headers_are_documented_where_they_matter(document: dict[str, Any]) -> None:
    for operation in operations(document):
        answers, taken = operation["responses"], {parameter["name"] for parameter in operation["parameters"]}
        assert "WWW-Authenticate" in answers["401"]["headers"]
        assert "Retry-After" in answers["503"]["headers"]
        assert ("Idempotency-Key" in taken) == (operation["operationId"] in COMMANDS)
        assert "X-Request-ID" in taken


def test_no_amount_is_a_number(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert {name for name, schema in schemas.items() if '"number"' in json.dumps(schema)} == {"Consumer"}
