"""Somebody who keeps the append lock makes writers wait for a bounded time, and is named."""

import socket
import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client

from eventstore import store
from tests.support.api.calling import Api, new_token, problem
from tests.support.databases import Database
from tests.support.patience import PATIENCE_S, wait_until
from web.server.connections import Connection, is_gone

BODY = {"name": "Bakery"}


@pytest.fixture
def api(database: Database) -> Api:
    return Api(new_token("robot"))


@pytest.fixture
def held_lock(api: Api) -> Iterator[threading.Event]:
    """Hold the append lock in another thread until the event is set."""
    assert api.get("/api/events").status_code == 200
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with store.append_lock():
            entered.set()
            leave.wait(PATIENCE_S)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(PATIENCE_S)
    yield leave
    leave.set()
    holder.join(PATIENCE_S)


def _wait_briefly() -> None:
    postgresql, sqlite = "SET eventstore.append_lock_timeout = 50", "PRAGMA busy_timeout = 50"
    with connection.cursor() as cursor:
        cursor.execute(postgresql if connection.vendor == "postgresql" else sqlite)


def test_a_command_that_waits_too_long_is_answered_503_and_can_be_repeated(
    api: Api, held_lock: threading.Event
) -> None:
    _wait_briefly()
    body = {**BODY, "company_uuid": str(uuid4())}
    response = api.command("register-company", body, key="once")
    problem(response, 503, "database-away")
    assert response["Retry-After"] == "1"
    held_lock.set()
    wait_until(lambda: api.command("register-company", body, key="once").status_code < 300)
    assert store.head().position == 1


@pytest.mark.usefixtures("held_lock")
def test_readyz_names_the_holder_and_how_long_it_has_held_the_lock(database: Database) -> None:
    if database.vendor != "postgresql":
        pytest.skip("SQLite does not say who holds its lock")
    prober = Client()
    wait_until(lambda: "warnings" in prober.get("/readyz").json())
    response = prober.get("/readyz")
    assert response.status_code == 200
    (warning,) = response.json()["warnings"]
    assert warning.startswith("process ")
    assert " has held the append lock for " in warning


def test_a_command_whose_client_has_gone_while_it_waited_for_a_thread_is_not_recorded(database: Database) -> None:
    token = new_token("robot")
    sent, kept = socket.socketpair()
    connected = Connection(fileno=kept.detach())
    with connected:
        client = Client(headers={"Authorization": f"Bearer {token}"})
        path, how = "/api/commands/register-company", {"content_type": "application/json", "gunicorn.socket": connected}
        assert client.post(path, BODY, **how).status_code < 300  # type: ignore[arg-type] # of the server's environment
        sent.close()
        assert client.post(path, BODY, **how).status_code < 300  # type: ignore[arg-type] # it has just ended its side
        connected.quiet_since = time.monotonic() - 3600
        response = client.post(path, BODY, **how)  # type: ignore[arg-type] # as above
        batch = client.post("/api/batches", {"commands": []}, **how)  # type: ignore[arg-type] # as above
        assert problem(batch, 400, "bad-request") == problem(response, 400, "bad-request")
    assert (
        problem(response, 400, "bad-request")["detail"] == "The client has closed the connection. Nothing was recorded."
    )
    assert store.head().position == 2


def test_the_wait_of_a_client_for_its_answer_begins_after_the_answer_before() -> None:
    sent, kept = socket.socketpair()
    with Connection(fileno=kept.detach()) as connected:
        connected.quiet_since = time.monotonic() - 3600  # it has been connected for long
        connected.sendall(b"the answer to another request")
        sent.close()
        assert not is_gone(connected)
        connected.quiet_since = time.monotonic() - 3600
        assert is_gone(connected)


def test_the_wait_for_sqlites_lock_is_shorter_than_a_minute() -> None:
    assert 3 * settings.APPEND_LOCK_TIMEOUT_MS / 1000 < 60
    if connection.vendor == "sqlite":
        assert connection.settings_dict["OPTIONS"]["timeout"] == 3 * settings.APPEND_LOCK_TIMEOUT_MS / 1000
