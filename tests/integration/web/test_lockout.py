"""Too many wrong passwords lock out a name at one address, and nobody else."""

import re
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from eventstore.clock import utc_now
from tests.integration.web.conftest import CountingHasher, Machine
from tests.support.databases import Database
from tests.support.webserver import serving
from web import tokens


@pytest.fixture(autouse=True)
def root(database: Database, hasher: type[CountingHasher]) -> User:
    """Return a superuser."""
    return User.objects.create_superuser("root", password="right")


def log_in(password: str, name: str = "root", address: str = "10.0.0.1", query: str = "", **fields: str) -> Any:
    form = {"username": name, "password": password, **fields}
    client = Client(raise_request_exception=False)
    return client.post(f"/admin/login/{query}", form, REMOTE_ADDR=address, secure=True)


@pytest.mark.one_database
def test_after_five_wrong_passwords_even_the_right_one_is_not_checked(hasher: type[CountingHasher]) -> None:
    assert [log_in("wrong").status_code for _ in range(5)] == [200, 200, 200, 200, 429]
    checked = hasher.checked
    answer = log_in("right")
    assert (answer.status_code, answer["Retry-After"], hasher.checked) == (429, "900", checked)
    assert "Try again in 900 seconds" in answer.text


@pytest.mark.one_database
def test_the_same_name_at_another_address_is_not_locked_out() -> None:
    while log_in("wrong", address="203.0.113.6").status_code != 429:
        pass
    assert log_in("right").status_code == 302


@pytest.mark.one_database
def test_further_attempts_do_not_prolong_the_lock() -> None:
    with time_machine.travel(utc_now(), tick=False) as clock:
        while log_in("wrong").status_code != 429:
            pass
        clock.shift(timedelta(minutes=8))
        assert log_in("wrong").status_code == 429
        clock.shift(timedelta(minutes=7, seconds=1))
        assert log_in("right").status_code == 302


@pytest.mark.one_database
def test_the_answer_says_what_is_left_of_the_allowance() -> None:
    with time_machine.travel(utc_now(), tick=False):
        answers = [log_in("wrong", name=f"user-{number}") for number in range(11)]
    assert [answer["RateLimit-Remaining"] for answer in answers[:3]] == ["59", "53", "47"]
    assert (answers[-1].status_code, answers[-1]["RateLimit-Remaining"], answers[-1]["RateLimit-Limit"]) == (
        429,
        "0",
        "60",
    )


@pytest.mark.one_database
def test_a_right_password_ends_the_count() -> None:
    for _ in range(3):
        assert [log_in("wrong").status_code for _ in range(2)] == [200, 200]
        assert log_in("right").status_code == 302


@pytest.mark.one_database
def test_an_address_cannot_try_one_password_on_many_names() -> None:
    with time_machine.travel(utc_now(), tick=False):
        answers = [log_in("wrong", name=f"user-{number}").status_code for number in range(12)]
    assert answers == [200] * 10 + [429] * 2


@pytest.mark.one_database
def test_checking_secrets_uses_at_most_half_of_the_threads(
    machine: Machine, hasher: type[CountingHasher], settings: Settings
) -> None:
    with ExitStack() as others:
        for _ in range(settings.WEB_THREADS // 2):
            others.enter_context(tokens.checking)
        refused = [machine.ask(), machine.ask(path="/o/revoke_token/", token="none"), log_in("right")]
        assert [(answer.status_code, answer["Retry-After"]) for answer in refused] == [(429, "1")] * 3
        assert hasher.checked == 0
    assert [machine.ask().status_code, log_in("right").status_code] == [200, 302]


@pytest.mark.one_database
def test_log_ins_without_a_request_are_not_counted() -> None:
    assert [Client().login(username="root", password="wrong") for _ in range(6)] == [False] * 6
    assert Client().login(username="root", password="right")


@pytest.mark.parametrize("address", ["2001:db8::1", "::1", "::ffff:203.0.113.9", ""])
def test_every_kind_of_address_can_log_in_and_be_locked_out(address: str) -> None:
    assert log_in("right", address=address).status_code == 302
    assert [log_in("wrong", address=address).status_code for _ in range(5)] == [200, 200, 200, 200, 429]


def test_the_addresses_of_one_ipv6_network_are_locked_out_together() -> None:
    assert [log_in("wrong", address=f"2001:db8::{n}").status_code for n in range(5)] == [200, 200, 200, 200, 429]


@pytest.mark.parametrize("length", [150, 151, 254, 255, 256, 10_000])
def test_a_name_of_any_length_is_answered_and_locked_out(length: int) -> None:
    assert [log_in("wrong", name="x" * length).status_code for _ in range(5)] == [200, 200, 200, 200, 429]


@pytest.mark.parametrize(
    ("query", "fields"),
    [("", {"other": "\0"}), ("?other=%00", {}), ("", {"o\0": "x"})],
)
def test_a_null_character_in_a_field_that_is_stored_is_refused(query: str, fields: dict[str, str]) -> None:
    assert log_in("wrong", query=query, **fields).status_code == 400


@pytest.mark.parametrize("header", ["User-Agent", "Accept", "X-Forwarded-For"])
def test_a_long_header_is_cut(header: str) -> None:
    answer = Client().post(
        "/admin/login/", {"username": "root", "password": "wrong"}, headers={header: "x" * 5000}, secure=True
    )
    assert answer.status_code == 200


@pytest.mark.one_database
@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_after_a_log_in_with_an_unsafe_target_the_index_is_shown(target: str) -> None:
    for answer in (log_in("right", next=target), log_in("right", query=f"?next={target}")):
        assert (answer.status_code, answer["Location"]) == (302, "/admin/")


@pytest.mark.one_database
def test_a_person_logs_in_over_ipv6(database: Database, tmp_path: Path, root: User) -> None:
    root.password = PBKDF2PasswordHasher().encode("right", "salt", 1000)  # which the server knows, too
    root.save()
    with serving(database.env, tmp_path, host="::1") as server:
        page = server.ask("GET", "/admin/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.body.decode())
        assert token is not None
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        form = urlencode({"username": "root", "password": "right", "csrfmiddlewaretoken": token[1]}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
        wrong = server.ask("POST", "/admin/login/", form.replace(b"right", b"wrong"), headers)
        assert wrong.status == 200
        assert server.ask("POST", "/admin/login/", form, headers).status == 302
