"""What a server answers is durable: a synchronous standby that hangs makes it wait."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction

from eventstore import store
from eventstore.errors import NotDurable
from eventstore.records import Context, NewEvent
from ledger.rules.events import CompanyRegistered
from tests.support.api.calling import Api, new_token
from tests.support.databases import Database
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.standby import NOBODY, wait_for_standby

COMPANY = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%pg_logical_emit_message%'"
)

pytestmark = pytest.mark.usefixtures("durable_database")


@pytest.fixture
def api(durable_database: Database) -> Api:
    assert durable_database.vendor == "postgresql"
    return Api(new_token("reader"))


@pytest.fixture
def hanging_standby(cluster: Cluster, api: Api) -> Iterator[Cluster]:
    """Record an event that can be seen, while the standby that each commit waits for is not there."""
    assert api.get("/api/events").status_code == 200
    wait_for_standby(cluster, NOBODY)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
        store.append([NewEvent(f"company-{COMPANY}", CompanyRegistered("Acme"))], Context("tester", "tests"))
    yield cluster
    wait_for_standby(cluster, "")


def _count(cluster: Cluster, statement: str) -> int:
    with cluster.connect("daybook") as server:
        (number,) = server.execute(statement).fetchone() or (0,)
        return int(number)


@pytest.mark.parametrize("path", ["/api/events", "/api/events/1", f"/api/companies/{COMPANY}"])
def test_an_event_that_is_not_durable_is_answered_once_it_is(hanging_standby: Cluster, api: Api, path: str) -> None:
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(api.get(path))
        finally:
            connections.close_all()

    thread = Thread(target=ask)
    thread.start()
    wait_until(lambda: _count(hanging_standby, _WAITING) == 1)
    assert answers == []
    wait_for_standby(hanging_standby, "")
    thread.join(PATIENCE_S)
    assert answers[0].status_code == 200
    assert "Acme" in answers[0].content.decode()


def test_others_are_answered_503_while_one_waits(hanging_standby: Cluster, api: Api, settings: Any) -> None:
    def wait() -> None:
        try:
            store.durable_head()
        finally:
            connections.close_all()

    thread = Thread(target=wait)
    thread.start()
    wait_until(lambda: _count(hanging_standby, _WAITING) == 1)
    settings.APPEND_LOCK_TIMEOUT_MS = 100
    with pytest.raises(NotDurable, match="up to position 1"):
        store.ensure_durable(1)
    response = api.get("/api/events")
    assert (response.status_code, response["Retry-After"]) == (503, "1")
    assert "Acme" not in response.content.decode()
    wait_for_standby(hanging_standby, "")
    thread.join(PATIENCE_S)


def test_answers_about_an_idle_log_flush_once(cluster: Cluster, api: Api) -> None:
    with cluster.connect("daybook") as server:
        server.execute("ALTER SYSTEM SET autovacuum = off")  # its transactions would be counted
        server.execute("SELECT pg_reload_conf()")
    store.append([NewEvent(f"company-{COMPANY}", CompanyRegistered("Acme"))], Context("tester", "tests"))
    connection.close()  # a new connection may lead to another server: nothing is known of it
    before = _count(cluster, "SELECT txid_current()")
    for path in ("/api/events", "/api/events/1", f"/api/companies/{COMPANY}") * 34:
        assert api.get(path).status_code == 200
    assert _count(cluster, "SELECT txid_current()") == before + 1 + 1
