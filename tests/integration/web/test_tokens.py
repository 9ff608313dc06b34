"""A token is issued for a secret; attempts are limited; a token can be revoked."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Final
from urllib.parse import urlencode

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
    *[
        (
            "grant_type=client_credentials&client_id=a&client_secret=%e9",
            f"application/x-www-form-urlencoded; charset={name}",
        )
        for name in (
            "utf-16",
            "utf-7",
            "base64",
            "idna",
            "rot13",
            "punycode",
            "undefined",
            "hex",
            "x" * 30,
            "cp037",
        )
    ],
    ("grant_type=client_credentials", "multipart/form-data; boundary=x; charset=base64"),
    (
        '--x\r\nContent-Disposition: form-data; name="client_id"\r\n\r\n\xe9\r\n--x--',
        "multipart/form-data; boundary=x; charset=utf-16",
    ),
    ("grant_type=client_credentials&scope=%22%5c", "application/x-www-form-urlencoded"),
    ("grant_type=%zz&client_id=%", "application/x-www-form-urlencoded"),
    ("token=%ed%a0%80&grant_type=%ed%a0%80", "application/x-www-form-urlencoded"),
    (";charset=;", ';;charset="utf-16'),
]


def status(machine: Machine, token: str) -> int:
    return Client().get("/api/companies", headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.one_database
def test_a_token_is_issued_for_a_secret_and_ends_when_it_is_revoked(machine: Machine) -> None:
    answer = machine.ask()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    token = answer.json()["access_token"]
    assert status(machine, token) == 200
    assert machine.ask(path="/o/revoke_token/", token=token).status_code == 200
    assert status(machine, token) == 401


@pytest.mark.one_database
@pytest.mark.parametrize("path", ["/o/token", "/o/revoke_token"])
@pytest.mark.parametrize("debug", [False, True])
def test_a_path_without_its_slash_is_the_same(path: str, debug: bool, machine: Machine, settings: Settings) -> None:
    settings.DEBUG = debug
    token = machine.ask(path="/o/token").json()["access_token"]
    assert status(machine, token) == 200
    assert machine.ask(path=path, token=token).status_code == 200
    assert status(machine, token) == (401 if path == "/o/revoke_token" else 200)


@pytest.mark.one_database
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


@pytest.mark.one_database
def test_an_error_does_not_reveal_whether_the_id_or_the_secret_is_wrong(machine: Machine) -> None:
    known = machine.ask("wrong")
    machine.id = "nobody"
    unknown = machine.ask("wrong")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)


@pytest.mark.parametrize("path", ["/o/token/", "/o/revoke_token/"])
def test_a_hostile_request_is_refused_with_an_oauth_error(path: str, database: Database) -> None:
    assert database.url
    http = Client(raise_request_exception=False)
    for number, (body, content_type) in enumerate(HOSTILE):
        for authorization in ("", "Basic", "Basic ????", "Basic AAAA", "Basic JTAwOng=", "Bearer x"):
            answer = http.generic(
                "POST",
                path,
                body.encode("latin-1"),
                content_type,
                secure=True,
                headers={"Authorization": authorization},
                REMOTE_ADDR=f"10.0.0.{number}",  # each has an allowance of its own
            )
            seen = (answer.status_code, set(answer.json()) >= {"error"})
            assert seen in {(400, True), (401, True)}, (body, content_type, authorization)


LATIN_1: Final = "application/x-www-form-urlencoded; charset=ISO-8859-1"


@pytest.mark.one_database
@pytest.mark.parametrize("charset", ["ISO-8859-1", "latin1", "windows-1252", "us-ascii", "UTF8", '"utf-8"'])
def test_a_form_in_the_charset_of_an_older_client_is_read(charset: str, machine: Machine) -> None:
    form = urlencode({"grant_type": "client_credentials", "client_id": machine.id, "client_secret": machine.secret})
    answer = Client().post("/o/token/", form, content_type=f"application/x-www-form-urlencoded; charset={charset}")
    assert answer.status_code == 200, answer.content
    form = urlencode({"token": answer.json()["access_token"], "client_id": machine.id, "client_secret": machine.secret})
    assert Client().post("/o/revoke_token/", form, content_type=LATIN_1).status_code == 200
    assert status(machine, answer.json()["access_token"]) == 401


@pytest.mark.one_database
def test_a_secret_is_read_in_the_charset_of_its_form(machine: Machine) -> None:
    application = get_application_model().objects.get()
    application.client_secret = "résumé"
    application.save()
    form = {"grant_type": "client_credentials", "client_id": machine.id, "client_secret": "résumé"}
    body = urlencode(form, encoding="latin-1")
    assert Client().post("/o/token/", body, content_type=LATIN_1).status_code == 200
    assert Client().post("/o/token/", body, content_type=LATIN_1.replace("ISO-8859-1", "utf-8")).status_code == 401


def test_the_answer_says_what_is_left_of_the_allowance(machine: Machine) -> None:
    with time_machine.travel(utc_now(), tick=False):
        first, second = machine.ask(), machine.ask()
        while (refused := machine.ask("wrong")).status_code != 429:
            pass
    names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
    assert [first[name] for name in names] == ["30", "29", "2"]
    assert [second[name] for name in names] == ["30", "28", "4"]
    assert (refused["RateLimit-Remaining"], refused["Retry-After"]) == ("0", refused["Retry-After"])


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
    with time_machine.travel(utc_now(), tick=False):
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

    def spend(client: str) -> int:
        try:
            connection.ensure_connection()
            together.wait()
            return throttle.spend(client).retry_after_s
        finally:
            connections.close_all()

    with time_machine.travel(utc_now(), tick=False), ThreadPoolExecutor(20) as pool:
        for client in ("one", "two", "three"):
            waits = list(pool.map(spend, [client] * 20))
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
