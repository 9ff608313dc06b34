"""A request, its events, its log lines and its answer share one id; the log contains no secret."""

import json
import logging
import secrets
from typing import Any
from uuid import uuid4

import pytest
import structlog
from django.test import Client

from eventstore import store
from ledger import clients
from settings import logs
from tests.support.databases import Database
from tests.support.patience import wait_until
from tests.support.webserver import Serve

pytestmark = pytest.mark.one_database

TRACE = "0af7651916cd43dd8448eb211c80319c"
REGISTER = {"name": "Northwind"}


class Caller:
    """Calls the API in this process."""

    def __init__(self) -> None:
        self.token = clients.token(clients.create("robot", ["ledger.register_company"]))

    def post(self, path: str = "/api/commands/register-company", body: object = REGISTER, **headers: str) -> Any:
        """POST JSON."""
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        return Client(raise_request_exception=False).post(path, body, content_type="application/json", headers=sent)


@pytest.fixture
def caller(database: Database) -> Caller:
    """Return a machine client."""
    return Caller()


@pytest.mark.parametrize(
    ("header", "given", "expected"),
    [
        ("X-Request-ID", "batch-7/line-3", "batch-7/line-3"),
        ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
    ],
)
def test_a_requests_id_is_on_its_events_and_its_answer(header: str, given: str, expected: str, caller: Caller) -> None:
    answer = caller.post(**{header: given})
    assert answer["X-Request-ID"] == expected
    recorded = store.read_event(answer.json()["position"])
    assert recorded is not None
    assert recorded.correlation_id == expected


@pytest.mark.parametrize("given", ["", "two words", "é", "x" * 201, "a\tb"])
def test_a_malformed_id_is_replaced(given: str, caller: Caller) -> None:
    answer = caller.post(**{"X-Request-ID": given})
    assert answer["X-Request-ID"] not in {"", given}
    recorded = store.read_event(answer.json()["position"])
    assert recorded is not None
    assert recorded.correlation_id == answer["X-Request-ID"]


def test_answers_without_a_view_have_an_id_too(caller: Caller) -> None:
    for path in ("/nothing", "/static/nothing.css", "/api/nothing"):
        assert caller.post(path, **{"X-Request-ID": "mine"})["X-Request-ID"] == "mine"


def test_a_request_is_one_line_without_secrets(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        caller.post("/api/commands/register-company?secret=hunter2", {"name": "hunter3"})
    assert [record.message for record in caplog.records] == ["request"]
    line = vars(caplog.records[0])
    assert {name: line[name] for name in ("method", "path", "route", "status", "actor", "address")} == {
        "method": "POST",
        "path": "/api/commands/register-company",
        "route": "/api/commands/register-company",
        "status": 422,
        "actor": "robot",
        "address": "127.0.0.1",
    }
    assert line["duration_ms"] > 0
    assert not any(secret in repr(line) for secret in ("hunter2", "hunter3", caller.token))


def test_a_refusal_and_an_unknown_path_are_one_line_too(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        caller.post(body={})
        caller.post("/nothing")
        Client().get("/api/companies")
    assert [vars(record).get("status") for record in caplog.records] == [422, 404, 401]


def test_successful_probes_are_not_logged(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Client().get("/healthz")
        Client().get("/readyz")
    assert caplog.records == []


@pytest.mark.parametrize(("form", "shown"), [("json", '"event": "it is said"'), ("text", "it is said")])
def test_a_line_carries_the_id_of_its_request(form: str, shown: str) -> None:
    configured = logs.configured(form, "INFO")["formatters"]["line"]
    formatter = configured.pop("()")(**configured)
    record = logging.LogRecord("ledger", logging.INFO, "", 0, "it is %s", ("said",), None)
    with structlog.contextvars.bound_contextvars(correlation_id="mine"):
        line = formatter.format(record)
    assert shown in line
    assert "mine" in line
    assert "\n" not in line


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_shows_no_values_of_variables(form: str) -> None:
    configured = logs.configured(form, "INFO")["formatters"]["line"]
    formatter = configured.pop("()")(**configured)
    password = secrets.token_hex()
    with pytest.raises(ValueError, match="invalid literal") as caught:
        int(password[:0])
    shown = (caught.type, caught.value, caught.tb)
    line = formatter.format(logging.LogRecord("ledger", logging.ERROR, "", 0, "failed", (), shown))
    assert "ValueError: invalid literal" in line
    assert password not in line


def test_in_production_the_log_is_json_line_by_line(serve: Serve) -> None:
    server = serve()
    number = str(uuid4())
    answer = server.ask("GET", "/api/companies?secret=hunter2", headers={"X-Request-ID": number})
    assert answer.headers["X-Request-Id"] == number
    lines = [json.loads(line) for line in server.process.errors().splitlines()]
    assert any(line["event"].startswith("Starting gunicorn") for line in lines)
    (request,) = [line for line in lines if line.get("correlation_id") == number]
    assert (request["event"], request["status"], request["path"]) == ("request", 401, "/api/companies")
    assert "hunter2" not in server.process.errors()
    assert server.process.output() == ""


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_unknown_host_or_too_many_fields_logs_two_lines_at_most(form: str, serve: Serve) -> None:
    server = serve(LOG_FORMAT=form)
    before = len(server.process.errors().splitlines())
    assert server.ask("GET", "/admin/?secret=hunter2", headers={"Host": "evil.example"}).status == 400
    assert server.ask("GET", "/admin/login/?secret=hunter2&" + "a=1&" * 1001).status == 400
    wait_until(lambda: server.process.errors().count("duration_ms") == 2)
    lines = server.process.errors().splitlines()[before:]
    assert len(lines) <= 4
    assert any("evil.example" in line and "ALLOWED_HOSTS" in line for line in lines)
    assert not any("hunter2" in line or "Traceback" in line for line in lines)
