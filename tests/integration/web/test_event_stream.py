"""The log as a live server streams it: no event is missed or sent twice, also if the client or the server goes away."""

import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import islice
from threading import Event as ThreadEvent
from threading import Thread
from uuid import uuid4

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client as Browser
from oauth2_provider.models import get_access_token_model

from eventstore import store
from eventstore.clock import utc_now
from eventstore.records import Context, NewEvent
from ledger import clients, daily_cycle
from ledger.rules.events import CompanyRegistered
from tests.support.databases import Database
from tests.support.event_source import STREAM, Client, Followed
from tests.support.patience import wait_until
from tests.support.webserver import Serve, WebServer

AccessToken = get_access_token_model()
Start = Callable[..., WebServer]
Follow = Callable[..., Followed]


@pytest.fixture
def start(database: Database, serve: Serve) -> Start:
    """Start a server, to be asked by a client that may read."""
    token = clients.token(clients.create("reader", []))

    def started(**env: str) -> WebServer:
        server = serve(**env)
        server.headers["Authorization"] = f"Bearer {token}"
        return server

    return started


@pytest.fixture
def follow() -> Iterator[Follow]:
    """Return what opens streams, which are closed in the end."""
    with ExitStack() as streams:
        yield lambda server, query="", **headers: streams.enter_context(closing(Followed(server, query, **headers)))


def register(number: int = 1) -> None:
    for _ in range(number):
        store.append([NewEvent(f"company-{uuid4()}", CompanyRegistered("Acme"))], Context("tester", "tests"))


def test_recorded_events_are_sent_first_and_appended_ones_at_once(start: Start, follow: Follow) -> None:
    register(3)
    server = start()
    followed = follow(server)
    assert followed.response.status == 200
    sent_headers = {
        name: followed.response.headers[name] for name in ("Content-Type", "Cache-Control", "X-Accel-Buffering")
    }
    assert sent_headers == {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    assert followed.response.headers["Ledger-Position"] == "3"
    assert next(followed.blocks()) == {"retry": "1000"}
    events = followed.events()
    sent = [next(events) for _ in range(3)]
    waited = []
    for _ in range(3):
        time.sleep(0.2)  # until it surely sleeps
        register()
        begun = time.monotonic()
        sent.append(next(events))
        waited.append(time.monotonic() - begun)
    assert min(waited) < 0.3
    assert sent == server.ask("GET", "/api/events").json()["items"]


def test_it_continues_after_the_last_id_with_its_filters(start: Start, follow: Follow) -> None:
    register(2)
    daily_cycle.cycle(utc_now().date())
    register(3)
    server = start()
    both = follow(server, "?after=1", **{"Last-Event-ID": "4"})
    assert [event["position"] for event in islice(both.events(), 2)] == [5, 6]
    narrowed = follow(server, "?type=SystemCycled")
    events = narrowed.events()
    assert next(events)["position"] == 3
    register(2)
    daily_cycle.cycle(utc_now().date().replace(year=utc_now().year + 1))
    assert next(events)["position"] == 9


def test_streams_and_waits_leave_three_quarters_of_the_threads(start: Start, follow: Follow) -> None:
    server = start(WEB_THREADS="8")
    register()
    another = {"Authorization": f"Bearer {clients.token(clients.create('another', []))}"}
    first, second = follow(server), follow(server, **another)
    assert (first.response.status, second.response.status) == (200, 200)
    third = follow(server, Authorization=f"Bearer {clients.token(clients.create('third', []))}")
    assert (third.response.status, third.response.headers["Retry-After"]) == (503, "5")
    assert third.problem()["type"] == "too-many-streams"
    refused = server.ask("GET", "/api/companies", headers={"Ledger-Min-Position": "9", "Prefer": "wait=10"})
    assert (refused.status, refused.json()["type"]) == (429, "too-many-requests")
    assert {"Retry-After", "Ratelimit-Limit", "Ledger-Position"} <= refused.headers.keys()
    second.close()
    wait_until(lambda: _has_room(server, another))
    waiting = [_waiting(server, another) for _ in range(12)]
    assert server.ask("GET", "/api/business-date").status == 200
    for thread in waiting:
        thread.join()
    # The first stream has the other place. A request that arrives after another has waited may wait in its turn.
    assert 1 <= sum(thread.waited for thread in waiting) < 6
    assert next(first.events())["position"] == 1


def test_one_client_takes_no_more_than_its_share_and_hears_when_to_come_back(start: Start, follow: Follow) -> None:
    server = start(WEB_THREADS="24", STREAM_LIFETIME="40")
    another = {"Authorization": f"Bearer {clients.token(clients.create('another', []))}"}
    own = [follow(server) for _ in range(3)]
    assert [limits(stream) for stream in own] == [("3", "2"), ("3", "1"), ("3", "0")]
    refused = follow(server)
    assert (refused.response.status, limits(refused)) == (429, ("3", "0"))
    assert refused.problem()["type"] == "too-many-requests"
    seconds = int(refused.response.headers["Retry-After"])
    assert 1 <= seconds <= 40
    assert int(refused.response.headers["RateLimit-Reset"]) in {seconds, seconds + 1}
    waiting = {"Ledger-Min-Position": "9", "Prefer": "wait=1"}
    answer = server.ask("GET", "/api/companies", headers=waiting)
    assert (answer.status, answer.json()["type"]) == (429, "too-many-requests")
    assert answer.headers["Ratelimit-Remaining"] == "0"
    assert 1 <= int(answer.headers["Retry-After"]) <= 40
    assert follow(server, **another).response.status == 200
    assert "Preference-Applied" in server.ask("GET", "/api/companies", headers=waiting | another).headers
    own[0].close()
    wait_until(lambda: _has_room(server, {}))


def limits(followed: Followed) -> tuple[str | None, str | None]:
    headers = followed.response.headers
    return headers["RateLimit-Limit"], headers["RateLimit-Remaining"]


class _Waiting(Thread):
    waited = False

    def __init__(self, server: WebServer, headers: dict[str, str]) -> None:
        super().__init__()
        self._server, self._headers = server, headers

    def run(self) -> None:
        headers = {"Ledger-Min-Position": "9999", "Prefer": "wait=2"} | self._headers
        answer = self._server.ask("GET", "/api/companies", headers=headers)
        self.waited = "Preference-Applied" in answer.headers


def _waiting(server: WebServer, headers: dict[str, str]) -> _Waiting:
    thread = _Waiting(server, headers)
    thread.start()
    return thread


def _has_room(server: WebServer, headers: dict[str, str]) -> bool:
    register()  # for it is by writing that a server learns that nobody reads any more
    answer = server.ask("GET", "/api/companies", headers={"Ledger-Min-Position": "9999", "Prefer": "wait=1"} | headers)
    return "Preference-Applied" in answer.headers


@pytest.mark.parametrize("by", ["token", "session"])
def test_it_ends_when_its_client_loses_the_permission_to_read(by: str, start: Start, follow: Follow) -> None:
    server = start()
    person = User.objects.create_superuser("anna")
    headers = {}
    if by == "session":
        browser = Browser()
        browser.force_login(person, "django.contrib.auth.backends.ModelBackend")
        headers = {"Authorization": "", "Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    events = follow(server, **headers).events()
    for _ in range(3):
        register()
        assert next(events)["type"] == "CompanyRegistered"
    AccessToken.objects.all().delete()
    User.objects.filter(pk=person.pk).update(is_active=False)
    register()
    assert list(events) == []


def test_a_client_that_stops_reading_loses_its_place(start: Start) -> None:
    for _ in range(10):  # more than all that lies between the two can hold
        events = [NewEvent(f"company-{uuid4()}", CompanyRegistered("A" * 200)) for _ in range(1000)]
        store.append(events, Context("tester", "tests"))
    server = start(WEB_THREADS="4", STREAM_LIFETIME="1", WEB_CLIENT_TIMEOUT="1")
    with socket.socket() as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.connect((server.host, server.port))
        credentials = f"Authorization: {server.headers['Authorization']}\r\nHost: {server.host}\r\n"
        idle.sendall(f"GET {STREAM} HTTP/1.1\r\n{credentials}\r\n".encode())
        assert idle.recv(15) == b"HTTP/1.1 200 OK"
        assert not _has_room(server, {})
        time.sleep(1)  # after which it has had its time, and waits for the client
        wait_until(lambda: _has_room(server, {}))


def test_with_fewer_than_four_threads_every_stream_is_refused(start: Start, follow: Follow) -> None:
    assert follow(start(WEB_THREADS="3")).response.status == 503


def test_idle_it_shows_that_it_is_there_and_holds_no_connection(
    start: Start, follow: Follow, database: Database
) -> None:
    server = start(WEB_THREADS="32")
    streams = [follow(server) for _ in range(4)]
    for followed in streams:
        blocks = followed.blocks()
        assert [next(blocks), next(blocks)] == [{"retry": "1000"}, {"": "nothing new"}]
    if database.vendor == "postgresql":
        time.sleep(0.2)
        assert _backends(database) <= 2  # those of the head watcher, which watches for all streams
    register()
    assert {next(followed.events())["position"] for followed in streams} == {1}


def _backends(database: Database) -> int:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = ''"
    with psycopg.connect(database.url, autocommit=True, application_name="test") as connection:
        row = connection.execute(f"{sql} AND pid <> %s", [_own_backend()]).fetchone()
    assert row
    return int(row[0])


def _own_backend() -> int:
    connection.ensure_connection()
    return int(connection.connection.info.backend_pid)


def test_it_ends_after_its_time_and_at_once_with_its_server(start: Start, follow: Follow) -> None:
    server = start(STREAM_LIFETIME="3")
    begun = time.monotonic()
    assert list(follow(server).blocks()) == [{"retry": "1000"}]
    assert 3 <= time.monotonic() - begun < 200  # it is 300 s unless the setting holds
    blocks = follow(server).blocks()
    assert next(blocks) == {"retry": "1000"}
    server.process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    assert list(blocks) == []
    assert time.monotonic() - begun < 25  # after 30 s gunicorn would kill it


class _Appending(Thread):
    """Appends one event after another until it is stopped."""

    def __init__(self) -> None:
        super().__init__()
        self._stop_asked = ThreadEvent()

    def run(self) -> None:
        while not self._stop_asked.wait(0.003):
            register()
        connections.close_all()

    def stop(self) -> int:
        """Return the position of its last event."""
        self._stop_asked.set()
        self.join()
        return store.head().position


def test_nothing_is_missed_or_repeated_if_the_server_or_its_connections_are_killed(
    start: Start, database: Database
) -> None:
    chance, appending, following = random.Random(5), _Appending(), Client()
    appending.start()
    server = start(STREAM_LIFETIME="1")
    following.follow(server, upto=50)
    following.follow(server, upto=following.seen[-1] + 50)  # the client went away, and comes back
    for kill in (False, True):
        hurting = Thread(target=_hurt, args=(server, database, chance.uniform(0.2, 0.9)), kwargs={"kill": kill})
        hurting.start()
        following.follow(server, upto=10**9)
        hurting.join()
    server = start(STREAM_LIFETIME="1")
    following.follow(server, upto=10**9)  # until its time is over
    last = appending.stop()
    while following.seen[-1] < last:
        following.follow(server, last)
    assert following.seen == list(range(1, last + 1))
    assert following.streams >= 5


def _hurt(server: WebServer, database: Database, seconds: float, *, kill: bool) -> None:
    time.sleep(seconds)
    if kill:
        server.process.kill_group()
    elif database.vendor == "postgresql":
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND query LIKE '%eventstore_event%'"
                " AND query NOT LIKE '%eventstore_append%' AND pid <> pg_backend_pid()"
            )
