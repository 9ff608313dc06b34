"""However many requests fold the past at once, the server goes on answering everything else."""

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser

from eventstore import store
from eventstore.records import Context, NewEvent
from ledger.rules.events import CompanyRenamed
from tests.support.api.calling import new_token
from tests.support.databases import Database
from tests.support.ledger.portfolio import new_company
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.webserver import Serve

AT_ONCE = 32
SLOTS = 4
"""A quarter of the 16 threads of the tests' server."""
BACKEND = "django.contrib.auth.backends.ModelBackend"


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Let everything that reads a table wait, as long as the block lasts."""
    parameters = connection.get_connection_params()
    where = {"host": parameters["host"], "dbname": parameters["dbname"], "user": "postgres"}
    with psycopg.connect(**where) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def test_many_folds_at_once_leave_the_server_to_others(database: Database, serve: Serve) -> None:
    if database.vendor == "sqlite":
        pytest.skip("SQLite cannot lock one table")
    company, tokens = new_company(), [new_token(f"robot {number}") for number in range(SLOTS)]
    renamed = [NewEvent(f"company-{company}", CompanyRenamed(f"Name {number}")) for number in range(1100)]
    store.append(renamed, Context("tester", "tests"))
    path = f"/api/companies/{company}?as_of={store.head().position}"
    server = serve()

    def ask(number: int, address: str) -> int:
        return server.ask("GET", address, headers={"Authorization": f"Bearer {tokens[number % SLOTS]}"}).status

    with ThreadPoolExecutor(AT_ONCE) as pool:
        with locked("eventstore_snapshot"):
            asked = [pool.submit(ask, number, path) for number in range(AT_ONCE)]
            wait_until(lambda: sum(each.done() for each in asked) == AT_ONCE - SLOTS)
            assert {each.result() for each in asked if each.done()} <= {429, 503}
            assert server.ask("GET", "/healthz").status == 200
            assert ask(0, "/api/companies") == 200
        done, waiting = wait(asked, PATIENCE_S)
    assert not waiting
    assert sorted(each.result() for each in done)[:SLOTS] == [200] * SLOTS


def test_many_files_at_once_leave_the_server_to_others(database: Database, serve: Serve) -> None:
    if database.vendor == "sqlite":
        pytest.skip("SQLite cannot lock one table")
    people = [Browser() for _ in range(SLOTS)]
    for number, person in enumerate(people):
        person.force_login(User.objects.create_superuser(f"auditor {number}"), BACKEND)
    server = serve()

    def begin(number: int) -> tuple[http.client.HTTPConnection, int]:
        """Ask for a file; return the connection, on which its beginning has arrived, and the status."""
        cookie = people[number % SLOTS].cookies["sessionid"].value
        connection = server.connect()
        connection.request("GET", "/books/journal?format=csv", headers={"Cookie": f"sessionid={cookie}"})
        return connection, connection.getresponse().status

    def has_room() -> bool:
        connection, status = begin(0)
        connection.close()
        return status == 200

    with ThreadPoolExecutor(AT_ONCE) as pool:
        with locked("projectors_journalline"):
            files = list(pool.map(begin, range(AT_ONCE)))
            assert {status for _, status in files} <= {200, 429, 503}
            assert sum(status == 200 for _, status in files) == SLOTS
            assert server.ask("GET", "/healthz").status == 200
            for connection, _ in files:
                connection.close()
        wait_until(has_room)
