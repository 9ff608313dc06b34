"""The read models on a server of their own: while it is away commands work, and everything comes back by itself."""

from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from pytest_django.fixtures import Settings

from eventstore import store
from eventstore.consumers import checkpoints
from ledger import daily_cycle
from processmanagers.late_fees import LateFees
from tests.support.api.calling import Api, new_token, problem
from tests.support.databases import Database, connected_to
from tests.support.ledger.book import Book
from tests.support.patience import wait_until
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.prepared import DURABLE
from tests.support.processes import StartManage

LISTS = ("companies", "products", "journal", "trial-balance", "aging", "customers")
AWAY = "<h1>The database of the ledger is away.</h1>"
PAGES = ("", "invoices", "trial-balance", "journal")


@pytest.fixture
def read_server(database: Database, cluster: Cluster, settings: Settings) -> Any:
    """Return the server of the read models; the log is in the test's database on another server."""
    url = cluster.url(DURABLE)
    settings.READ_DATABASE = "read"
    connections.settings["read"] = dict(connections.settings["default"])
    with connected_to(Database(url, "postgresql"), alias="read"):
        yield cluster
    del connections.settings["read"]


def fees() -> list[date]:
    return [event.data.business_date for event in store.read_all(types=["LateFeesAssessed"])]


def test_without_the_server_of_the_read_models_commands_work_and_all_else_comes_back_by_itself(
    read_server: Cluster, start_manage: StartManage
) -> None:
    checkpoints.register(LateFees.name)
    env = {"READ_DATABASE_URL": read_server.url(DURABLE), "CONSUMER_POLL_INTERVAL": "50"}
    processes = [start_manage("run_projector", env=env), start_manage("run_processmanager", LateFees.name, env=env)]
    machine, person = Api(new_token("machine")), Client()
    User.objects.create_superuser("auditor", password="x")
    person.force_login(User.objects.get(username="auditor"), backend="django.contrib.auth.backends.ModelBackend")
    wait_until(lambda: machine.get("/readyz").json() == {"status": "ready"})
    book = Book()
    book.cycle(date(2026, 1, 1))
    book.invoice(date(2026, 1, 1), "45.00")
    book.cycle(date(2026, 1, 2))
    wait_until(lambda: fees() == [date(2026, 1, 1), date(2026, 1, 2)])
    wait_until(lambda: len(machine.get("/api/products").json()["items"]) == 1)

    connections["read"].close()
    read_server.kill()
    registered = machine.command("register-company", {"name": "Acme"})
    assert registered.status_code == 201
    daily_cycle.cycle(date(2026, 1, 3))
    for name in LISTS:
        refused = problem(machine.get(f"/api/{name}"), 503, "database-away")
        assert refused["detail"]
    for name in PAGES:
        page = person.get(f"/books/{name}")
        assert page.status_code == 503
        assert AWAY in page.content.decode()
    assert machine.get(f"/api/companies/{registered.json()['events'][0]['stream_id'][8:]}").status_code == 200
    ready = machine.get("/readyz")
    assert ready.status_code == 200
    assert "the database 'read' does not answer: commands work" in ready.json()["warnings"][0]
    assert date(2026, 1, 3) not in fees()

    read_server.start()
    wait_until(lambda: date(2026, 1, 3) in fees())
    position = registered.headers["Ledger-Position"]
    headers = {"Ledger-Min-Position": position, "Prefer": "wait=1"}
    wait_until(lambda: machine.get("/api/companies", headers).status_code == 200)
    assert [item["name"] for item in machine.get("/api/companies").json()["items"]] == ["Acme"]
    assert person.get("/books/invoices").status_code == 200
    wait_until(lambda: machine.get("/readyz").json() == {"status": "ready"})
    assert [process.poll() for process in processes] == [None, None]
