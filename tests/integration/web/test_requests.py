"""Every request has an id, which its events, its lines in the log and its answer share; the log holds no secret."""

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
from tests.support.processes import wait_until
from tests.support.webserver import Serve

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
def test_the_id_that_a_request_brings_is_that_of_its_events_and_of_its_answer(
    header: str, given: str, expected: str, caller: Caller
) -> None:
    answer = caller.post(**{header: given})
    assert answer["X-Request-ID"] == expected
    recorded = store.read_event(answer.json()["position"])
    assert recorded is not None
    assert recorded.correlation_id == expected


@pytest.mark.parametrize("given", ["", "two words", "é", "x" * 201, "a\tb"])
def test_what_is_no_id_is_replaced_by_one(given: str, caller: Caller) -> None:
    answer = caller.post(**{"X-Request-ID": given})
    assert answer["X-Request-ID"] not in {"", given}
    recorded = store.read_event(answer.json()["position"])
    assert recorded is not None
    assert recorded.correlation_id == answer["X-Request-ID"]


def test_an_answer_that_no_view_made_has_an_id_too(caller: Caller) -> None:
    for path in ("/nothing", "/static/nothing.css", "/api/nothing"):
        assert caller.post(path, **{"X-Request-ID": "mine"})["X-Request-ID"] == "mine"


def test_one_line_tells_a_request_and_none_of_its_secrets(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        caller.post("/api/commands/register-company?secret=hunter2", {"name": "hunter3"})
    assert [record.message for record in caplog.records] == ["request"]
    told = vars(caplog.records[0])
    assert {name: told[name] for name in ("method", "path", "route", "status", "actor", "address")} == {
        "method": "POST",
        "path": "/api/commands/register-company",
        "route": "/api/commands/register-company",
        "status": 422,
        "actor": "robot",
        "address": "127.0.0.1",
    }
    assert told["duration_ms"] > 0
    assert not any(secret in repr(told) for secret in ("hunter2", "hunter3", caller.token))


def test_a_refusal_and_an_unknown_address_are_one_line_too(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        caller.post(body={})
        caller.post("/nothing")
        Client().get("/api/companies")
    assert [vars(record).get("status") for record in caplog.records] == [422, 404, 401]


def test_probes_that_succeed_are_not_told(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Client().get("/healthz")
        Client().get("/readyz")
    assert caplog.records == []


@pytest.mark.parametrize(("form", "shown"), [("json", '"event": "it is said"'), ("text", "it is said")])
def test_a_line_has_the_id_of_the_request_that_it_belongs_to(form: str, shown: str) -> None:
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
    (told,) = [line for line in lines if line.get("correlation_id") == number]
    assert (told["event"], told["status"], told["path"]) == ("request", 401, "/api/companies")
    assert "hunter2" not in server.process.errors()
    assert server.process.output() == ""


@pytest.mark.parametrize("form", ["json", "text"])
def test_whoever_asks_for_an_unknown_host_or_too_much_at_once_costs_a_line_or_two(form: str, serve: Serve) -> None:
    server = serve(LOG_FORMAT=form)
    before = len(server.process.errors().splitlines())
    assert server.ask("GET", "/admin/?secret=hunter2", headers={"Host": "evil.example"}).status == 400
    assert server.ask("GET", "/admin/login/?secret=hunter2&" + "a=1&" * 1001).status == 400
    wait_until(lambda: server.process.errors().count("duration_ms") == 2)
    lines = server.process.errors().splitlines()[before:]
    assert len(lines) <= 4
    assert any("evil.example" in line and "ALLOWED_HOSTS" in line for line in lines)
    assert not any("hunter2" in line or "Traceback" in line for line in lines)
