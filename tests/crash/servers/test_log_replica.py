"""Queries of the past and of the log read from a streaming replica, and no answer differs from the primary's."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from pytest_django.fixtures import Settings

from eventstore import store
from eventstore.checks import check_replica
from eventstore.log import metrics, replica
from tests.support.api.calling import Api, new_token
from tests.support.consumers.tampering import record_at_another_moment
from tests.support.databases import Database, Databases, connected_to
from tests.support.ledger.book import Product
from tests.support.ledger.paid_late import paid_late
from tests.support.patience import wait_until
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.prepared import DURABLE
from tests.support.postgres.replica import replica_of

ALIAS = "log_replica"
_CSRF_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="\w+"')


def answered_by(server: str) -> float:
    """Return how many reads a server has answered that the replica was asked for."""
    found: float = metrics.REPLICA_READS.labels(server)._value.get()  # the library has no other way
    return found


@contextmanager
def reading_from(server: Cluster, settings: Settings) -> Iterator[None]:
    """Name a database of a server as the replica of the log."""
    connections.settings[ALIAS] = dict(connections.settings["default"])
    settings.LOG_REPLICA = ALIAS
    try:
        with connected_to(Database(server.url(DURABLE), "postgresql"), alias=ALIAS):
            yield
    finally:
        settings.LOG_REPLICA = ""
        del connections.settings[ALIAS]


class Readers:
    """A machine and a person who read the ledger, and what they have read."""

    def __init__(self, product: Product) -> None:
        User.objects.create_superuser("auditor", password="x")
        self._person = Client()
        self._person.force_login(User.objects.get(), backend="django.contrib.auth.backends.ModelBackend")
        self.machine = Api(new_token("machine"))
        self._numbers = count()
        stream = f"product-{product.uuid}"
        at = store.head().position - 1
        self.paths = [
            f"/api/products/{product.uuid}?as_of={at}",
            f"/api/products/{product.uuid}?as_of=2012-03-13",
            f"/api/companies/{product.uuid}/membership?as_of={at}",
            "/api/events?limit=5",
            f"/api/events?stream_id={stream}&after=3",
            "/api/events/4",
            "/books/log",
            "/books/log?type=SystemCycled&format=csv",
            "/books/log/4",
            f"/books/streams/{stream}",
            f"/books/streams/{stream}?format=csv",
        ]

    def read(self, path: str, **headers: str) -> tuple[Any, ...]:
        """Return the status, the position and the content of an answer."""
        answer = self.machine.get(path, headers) if path.startswith("/api/") else self._person.get(path)
        content = b"".join(answer) if answer.streaming else answer.content
        return answer.status_code, answer.headers.get("Ledger-Position"), _CSRF_TOKEN.sub(b"", content)

    def read_in_a_thread(self, path: str, **headers: str) -> tuple[Any, ...]:
        """Do the same and close the thread's connections."""
        try:
            return self.read(path, **headers)
        finally:
            connections.close_all()

    def register(self) -> int:
        """Register a company and return the position of the event."""
        body = {"name": f"Company {next(self._numbers)}"}
        answer = self.machine.command("register-company", body)
        assert answer.status_code == 201
        return int(answer.headers["Ledger-Position"])


@pytest.fixture
def standby(durable_database: Database, cluster: Cluster) -> Iterator[Cluster]:
    """Return a replica of the test's own server."""
    assert durable_database.url
    with replica_of(cluster) as own:
        yield own


def test_a_replica_answers_as_the_primary_and_the_primary_answers_when_it_lags_or_is_away(
    standby: Cluster, settings: Settings, databases: Databases
) -> None:
    readers = Readers(paid_late())
    by_primary = {path: readers.read(path) for path in readers.paths}
    assert {status for status, *_ in by_primary.values()} == {200, 404}
    with reading_from(standby, settings):
        settings.LOG_REPLICA_WAIT_MS = 60_000
        for path, answer in by_primary.items():
            before = answered_by("replica"), answered_by("primary")
            assert readers.read(path) == answer
            assert answered_by("replica") > before[0], path
            assert answered_by("primary") == before[1], path
        assert replica.examine() == (store.head().position, "")
        assert readers.machine.get("/readyz").json() == {"status": "ready"}
        lagging(readers, standby, settings)
        away(readers, standby)
        of_another_log(readers, standby)
        other = databases.make()
        with connected_to(other):
            [warning] = check_replica(None, databases=["default", ALIAS])
        assert warning.msg == "the log's replica is not read: it is the replica of another server"
        databases.drop(other)


def lagging(readers: Readers, standby: Cluster, settings: Settings) -> None:
    """A replica that is paused is waited for, and then the primary answers what the replica does not have."""
    with standby.connect() as server, ThreadPoolExecutor(1) as thread:
        server.execute("SELECT pg_wal_replay_pause()")
        position, before = readers.register(), answered_by("replica")
        # The past before it is on the replica.
        assert readers.read("/api/events/4")[0] == 200
        assert answered_by("replica") == before + 1
        waiting = thread.submit(
            readers.read_in_a_thread, f"/api/events/{position}", **{"Ledger-Min-Position": str(position)}
        )
        assert not waiting.done()
        server.execute("SELECT pg_wal_replay_resume()")
        assert waiting.result()[:2] == (200, str(position))
        assert answered_by("replica") == before + 2

        settings.LOG_REPLICA_WAIT_MS = 1
        server.execute("SELECT pg_wal_replay_pause()")
        position, before = readers.register(), answered_by("primary")
        status, reached, content = readers.read(
            f"/api/events?after={position - 1}", **{"Ledger-Min-Position": str(position)}
        )
        assert (status, reached) == (200, str(position))
        assert b'"CompanyRegistered"' in content
        assert answered_by("primary") == before + 1
        assert "daybook_log_replica_lag_events 1.0" in readers.machine.get("/metrics").text
        server.execute("SELECT pg_wal_replay_resume()")
        wait_until(lambda: replica.examine() == (position, ""))


def away(readers: Readers, standby: Cluster) -> None:
    """Without the replica the primary answers, until the replica is back."""
    standby.kill()
    position, before = readers.register(), answered_by("primary")
    assert readers.read(f"/api/events/{position}")[0] == 200
    assert answered_by("primary") == before + 1
    ready = readers.machine.get("/readyz")
    warning = "the primary is read instead of the log's replica: it does not answer"
    assert (ready.status_code, ready.json()["warnings"]) == (200, [warning])
    assert "daybook_log_replica_up 0.0" in readers.machine.get("/metrics").text
    standby.start()
    before = answered_by("replica")
    wait_until(lambda: readers.read("/api/events/4")[0] == 200 and answered_by("replica") > before)


def of_another_log(readers: Readers, standby: Cluster) -> None:
    """A replica that has another event at a position is not read."""
    assert check_replica(None, databases=["default", ALIAS]) == []
    with standby.connect() as server:
        server.execute("SELECT pg_wal_replay_pause()")
        record_at_another_moment(2)
        before = answered_by("primary")
        assert readers.read("/api/events/2")[0] == 200
        assert answered_by("primary") == before + 1
        server.execute("SELECT pg_wal_replay_resume()")


@pytest.mark.usefixtures("durable_database")
def test_a_server_that_is_no_replica_is_named_and_not_read(cluster: Cluster, settings: Settings) -> None:
    readers = Readers(paid_late())
    connections.close_all()
    with reading_from(cluster, settings):
        before = answered_by("primary")
        assert readers.read("/api/events/4")[0] == 200
        assert answered_by("primary") == before + 1
        [warning] = check_replica(None, databases=["default", ALIAS])
        assert warning.msg == "the log's replica is not read: it accepts writes, so it is no replica"
