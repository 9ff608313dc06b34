"""Unknown addresses and methods are answered with problems, like every error under /api/."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from tests.support.api.calling import Api, problem

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize("debug", [False, True])
def test_an_address_that_there_is_not(api: Api, settings: Settings, debug: bool) -> None:
    settings.DEBUG = debug
    reported = problem(api.get("/api/company"), 404, "no-such-address")
    assert reported["detail"] == "/api/company is not an address of this API. The page /api/docs lists all addresses."


@pytest.mark.parametrize("path", ["/api/companies/4711", "/api/events/first", "/api/commands/grant"])
def test_an_address_with_an_invalid_uuid_position_or_command_is_not_found(api: Api, path: str) -> None:
    response = api.get(path)
    assert (response.status_code, response["Content-Type"]) in {
        (404, "application/problem+json"),
        (405, "application/problem+json"),
        (422, "application/problem+json"),
    }


def test_a_method_that_an_address_does_not_take(api: Api) -> None:
    response = api.get("/api/commands/grant-balances")
    assert problem(response, 405, "method-not-allowed")["detail"].startswith(
        "/api/commands/grant-balances does not support GET."
    )
    assert response["Allow"] == "OPTIONS, POST"


@pytest.mark.parametrize("path", ["/api/docs", "/api/openapi.json"])
def test_a_page_that_is_only_read_takes_no_other_method_with_or_without_a_csrf_token(path: str, api: Api) -> None:
    for enforced in (False, True):
        browser = Client(enforce_csrf_checks=enforced)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            response = browser.generic(method, path, b"{}", "application/json")
            assert problem(response, 405, "method-not-allowed")["detail"].startswith(
                f"{path} does not support {method}."
            )
            assert response["Allow"] == "GET, HEAD, OPTIONS"
        assert browser.get(path).status_code == 200


def test_a_host_that_is_not_ours(api: Api) -> None:
    for path in ("/api/companies", "/o/token/", "/nothing"):
        response = Client(headers={"host": "elsewhere.example"}).get(path)
        detail = problem(response, 400, "bad-request")["detail"]
        assert "ALLOWED_HOSTS" in detail


def test_a_page_outside_the_api_is_as_django_makes_it(api: Api) -> None:
    assert Client().get("/nothing")["Content-Type"].startswith("text/html")
