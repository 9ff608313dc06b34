"""HEAD and OPTIONS, and what 405 says: see Note [HEAD and OPTIONS]."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from eventstore import store
from tests.integration.api.conftest import NewApi
from tests.support.api.calling import Api, problem
from tests.support.databases import Database

pytestmark = pytest.mark.one_database

READ_METHODS = "GET, HEAD, OPTIONS"


def send(api: Api, method: str, path: str, **headers: str) -> Any:
    own = {} if api.token is None else {"Authorization": f"Bearer {api.token}"}
    return Client(raise_request_exception=False).generic(method, path, headers=own | headers)


@pytest.mark.parametrize("path", ["/api/companies", "/api/events", "/api/business-date", "/api/openapi.json"])
def test_head_is_get_without_its_body(path: str, reader: Api) -> None:
    got, head = send(reader, "GET", path), send(reader, "HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Length"] == str(len(got.content))
    for name in ("Content-Type", "Ledger-Position"):
        assert head.headers.get(name) == got.headers.get(name)


def test_head_of_a_stream_is_its_headers_and_holds_no_slot(reader: Api) -> None:
    for _ in range(40):
        head = send(reader, "HEAD", "/api/events/stream")
        assert (head.status_code, head["Content-Type"], head.content) == (200, "text/event-stream", b"")


def test_head_says_what_get_would_say_of_an_error(reader: Api) -> None:
    path = f"/api/companies/{uuid4()}"
    head = send(reader, "HEAD", path)
    assert (head.status_code, head["Content-Type"], head.content) == (404, "application/problem+json", b"")


def test_options_lists_the_methods_of_a_path(reader: Api) -> None:
    for path, allowed in {
        "/api/companies": READ_METHODS,
        f"/api/companies/{uuid4()}": READ_METHODS,
        "/api/commands/fund-company": "OPTIONS, POST",
        "/api/docs": READ_METHODS,
    }.items():
        answer = send(reader, "OPTIONS", path)
        assert (answer.status_code, answer["Allow"], answer.content) == (204, allowed, b""), path


def test_options_needs_the_same_authentication(database: Database, new_api: NewApi) -> None:
    for path in ("/api/companies", "/api/commands/fund-company"):
        problem(send(Api(None), "OPTIONS", path), 401, "unauthenticated")
    assert send(Api(None), "OPTIONS", "/api/docs").status_code == 204


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "POST", "PUT", "TRACE"])
def test_405_names_the_method_and_those_that_the_path_supports(method: str, reader: Api) -> None:
    answer = send(reader, method, "/api/companies")
    reported = problem(answer, 405, "method-not-allowed")
    assert reported["detail"] == f"/api/companies does not support {method}. It supports {READ_METHODS}."
    assert answer["Allow"] == READ_METHODS


def test_head_of_a_command_is_refused_by_its_own_name(api: Api) -> None:
    answer = send(api, "HEAD", "/api/commands/register-company")
    assert (answer.status_code, answer["Allow"]) == (405, "OPTIONS, POST")
    assert store.head().position == 0
