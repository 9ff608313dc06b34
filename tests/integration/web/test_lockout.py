"""Whoever gets a password wrong too often waits, and keeps nobody else out."""

from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from eventstore.clock import utc_now
from tests.integration.web.conftest import CountingHasher, Machine
from tests.support.databases import Database
from web import tokens


@pytest.fixture(autouse=True)
def root(database: Database, hasher: type[CountingHasher]) -> User:
    """Return a superuser."""
    return User.objects.create_superuser("root", password="right")


def log_in(password: str, name: str = "root", address: str = "10.0.0.1") -> Any:
    return Client().post("/admin/login/", {"username": name, "password": password}, REMOTE_ADDR=address, secure=True)


def test_after_five_wrong_passwords_even_the_right_one_is_not_looked_at(hasher: type[CountingHasher]) -> None:
    assert [log_in("wrong").status_code for _ in range(5)] == [200, 200, 200, 200, 429]
    checked = hasher.checked
    answer = log_in("right")
    assert (answer.status_code, answer["Retry-After"], hasher.checked) == (429, "900", checked)
    assert "Try again in 900 seconds" in answer.text


def test_somebody_at_another_address_is_not_locked_out() -> None:
    while log_in("wrong", address="203.0.113.6").status_code != 429:
        pass
    assert log_in("right").status_code == 302


def test_the_lock_ends_by_itself_however_often_it_is_tried_meanwhile() -> None:
    with time_machine.travel(utc_now(), tick=False) as clock:
        while log_in("wrong").status_code != 429:
            pass
        clock.shift(timedelta(minutes=8))
        assert log_in("wrong").status_code == 429
        clock.shift(timedelta(minutes=7, seconds=1))
        assert log_in("right").status_code == 302


def test_a_right_password_ends_the_count() -> None:
    for _ in range(3):
        assert [log_in("wrong").status_code for _ in range(2)] == [200, 200]
        assert log_in("right").status_code == 302


def test_an_address_cannot_try_one_password_on_many_names() -> None:
    with time_machine.travel(utc_now(), tick=False):
        answers = [log_in("wrong", name=f"user-{number}").status_code for number in range(12)]
    assert answers == [200] * 10 + [429] * 2


def test_checking_secrets_takes_no_more_than_half_of_the_threads(
    machine: Machine, hasher: type[CountingHasher], settings: Settings
) -> None:
    with ExitStack() as others:
        for _ in range(settings.WEB_THREADS // 2):
            others.enter_context(tokens.checking)
        refused = [machine.ask(), machine.ask(path="/o/revoke_token/", token="none"), log_in("right")]
        assert [(answer.status_code, answer["Retry-After"]) for answer in refused] == [(429, "1")] * 3
        assert hasher.checked == 0
    assert [machine.ask().status_code, log_in("right").status_code] == [200, 302]


def test_logging_in_without_the_web_is_not_counted() -> None:
    assert [Client().login(username="root", password="wrong") for _ in range(6)] == [False] * 6
    assert Client().login(username="root", password="right")
