"""A token is issued for a secret; attempts are limited; a token can be revoked."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.db import connection, connections
from django.test import Client
from oauth2_provider.models import get_application_model
from pytest_django.fixtures import Settings

from eventstore.clock import utc_now
from ledger import clients
from tests.integration.web.conftest import CountingHasher, Machine
from tests.support.databases import Database
from tests.support.webserver import Serve
from web.models import Allowance
from web.throttle import Throttle

HOSTILE = [
    ("", "application/json"),
    ("{}", "application/json"),
    ("grant_type=client_credentials&client_id=a%00b&client_secret=x", "application/x-www-form-urlencoded"),
    ("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code", "application/x-www-form-urlencoded"),
    ("grant_type=password&username=root&password=x", "application/x-www-form-urlencoded"),
    ("grant_type=client_credentials&client_id=%ff%fe", "application/x-www-form-urlencoded"),
    ("a&" * 2000, "application/x-www-form-urlencoded"),
    ("--x\r\nnonsense", "multipart/form-data; boundary=x"),
    ("nonsense", "multipart/form-data"),
]


def status(machine: Machine, token: str) -> int:
    return Client().get("/api/companies", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_token_is_issued_for_a_secret_and_ends_when_it_is_revoked(machine: Machine) -> None:
    answer = machine.ask()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    token = answer.json()["access_token"]
    assert status(machine, token) == 200
    assert machine.ask(path="/o/revoke_token/", token=token).status_code == 200
    assert status(machine, token) == 401


@pytest.mark.parametrize("path", ["/o/token", "/o/revoke_token"])
@pytest.mark.parametrize("debug", [False, True])
def test_a_path_without_its_slash_is_the_same(path: str, debug: bool, machine: Machine, settings: Settings) -> None:
    settings.DEBUG = debug
    token = machine.ask(path="/o/token").json()["access_token"]
    assert status(machine, token) == 200
    assert machine.ask(path=path, token=token).status_code == 200
    assert status(machine, token) == (401 if path == "/o/revoke_token" else 200)


def test_an_error_has_the_form_of_oauth_and_a_remedy(machine: Machine) -> None:
    answers = {
        (401, "invalid_client", "HTTP Basic, or as client_id and client_secret"): machine.ask("wrong"),
        (400, "unsupported_grant_type", "grant_type=client_credentials"): machine.ask(grant_type="password"),
        (400, "invalid_request", "grant_type=client_credentials"): machine.ask(grant_type=""),
        (400, "invalid_scope", "scope=ledger"): machine.ask(scope="everything"),
    }
    get_application_model().objects.update(authorization_grant_type="authorization-code")
    answers[400, "unauthorized_client", "create_api_client"] = machine.ask()
    for (code, error, remedy), answer in answers.items():
        assert (answer.status_code, answer.json()["error"]) == (code, error)
        assert remedy in answer.json()["error_description"]
        # The characters that RFC 6749 allows there.
        assert re.fullmatch(r"[ !#-\[\]-~]+", answer.json()["error_description"])
        assert int(answer["Content-Length"]) == len(answer.content)


def test_an_error_does_not_reveal_whether_the_id_or_the_secret_is_wrong(machine: Machine) -> None:
    known = machine.ask("wrong")
    machine.id = "nobody"
    unknown = machine.ask("wrong")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)


@pytest.mark.parametrize(("body", "content_type"), HOSTILE)
@pytest.mark.parametrize("path", ["/o/token/", "/o/revoke_token/"])
def test_a_hostile_request_is_refused_with_an_oauth_error(
    path: str, body: str, content_type: str, database: Database
) -> None:
    http = Client(raise_request_exception=False)
    for authorization in ("", "Basic", "Basic ????", "Basic AAAA", "Basic JTAwOng=", "Bearer x"):
        answer = http.post(path, body, content_type=content_type, headers={"Authorization": authorization})
        assert (answer.status_code, set(answer.json()) >= {"error"}) in {(400, True), (401, True)}, authorization


def test_after_some_wrong_secrets_none_is_checked(machine: Machine, hasher: type[CountingHasher]) -> None:
    with time_machine.travel(utc_now(), tick=False):
        answers = [machine.ask("wrong") for _ in range(8)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 3
    assert hasher.checked == 5
    assert 1 <= int(answers[-1]["Retry-After"]) <= 12
    assert answers[-1]["Content-Type"] == "application/problem+json"
    assert answers[-1].json()["error"] == "temporarily_unavailable"


def test_failures_at_one_address_do_not_affect_another(machine: Machine) -> None:
    while machine.ask("wrong", address="203.0.113.6").status_code != 429:
        pass
    assert machine.ask(address="10.0.0.1").status_code == 200


def test_an_address_has_one_allowance_for_all_clients(machine: Machine) -> None:
    http = Client()
    answers = [
        http.post("/o/token/", {"grant_type": "client_credentials", "client_id": f"nobody-{number}"}).status_code
        for number in range(12)
    ]
    assert answers == [401] * 10 + [429] * 2


def test_a_client_that_asks_too_often_leaves_an_allowance_to_others_at_its_address(machine: Machine) -> None:
    other = Machine(clients.create("other", []))
    with time_machine.travel(utc_now(), tick=False):
        assert [machine.ask("wrong").status_code for _ in range(50)][-1] == 429
        assert {other.ask().status_code for _ in range(20)} == {200}


def test_after_retry_after_a_request_is_accepted(machine: Machine) -> None:
    with time_machine.travel(utc_now(), tick=False) as clock:
        while (refused := machine.ask("wrong")).status_code != 429:
            pass
        clock.shift(timedelta(seconds=int(refused["Retry-After"]) - 1))
        assert machine.ask().status_code == 429
        clock.shift(timedelta(seconds=1))
        assert machine.ask().status_code == 200


def test_an_honest_client_may_ask_often(machine: Machine) -> None:
    assert {machine.ask().status_code for _ in range(30)} == {200}


def test_concurrent_requests_spend_exactly_the_allowance(database: Database) -> None:
    throttle, together = Throttle("test", lambda: 5), Barrier(20)

    def spend(asker: str) -> int:
        try:
            connection.ensure_connection()
            together.wait(timeout=20)
            return throttle.spend(asker)
        finally:
            connections.close_all()

    with time_machine.travel(utc_now(), tick=False), ThreadPoolExecutor(20) as pool:
        for asker in ("one", "two", "three"):
            waits = list(pool.map(spend, [asker] * 20))
            assert waits.count(0) == 5
            assert set(waits) == {0, 12}


def test_expired_allowances_are_deleted(machine: Machine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.ask(address="203.0.113.6")
    monkeypatch.setattr("web.throttle._cleaning._due", 0.0)
    with time_machine.travel(utc_now() + timedelta(minutes=2)):
        machine.ask(address="10.0.0.1")
    assert not Allowance.objects.filter(asker__contains="203.0.113.6").exists()


def test_all_processes_of_a_server_count_together(serve: Serve) -> None:
    server = serve(WEB_WORKERS="2", TOKEN_REQUESTS_PER_MINUTE="12")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answers = [
        server.ask("POST", "/o/token/", f"grant_type=client_credentials&client_id=nobody-{n}".encode(), form).status
        for n in range(8)
    ]
    assert answers == [401] * 2 + [429] * 6
