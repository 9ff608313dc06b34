"""A full disk: an append fails with the database's reason and records nothing, and all goes on once there is room."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, connections
from django.db.backends.signals import connection_created
from pytest_django.plugin import DjangoDbBlocker

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.consumers.registry import consumers
from eventstore.errors import NotCaughtUp, OutcomeUnknown
from eventstore.log.verification import verify
from ledger.rules.commands import FundCompany
from tests.support.databases import Database, connected_to
from tests.support.ledger.portfolio import do, new_company
from tests.support.patience import wait_until
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.prepared import DURABLE, prepared_data
from tests.support.small_disk import SmallDisk, mounted

MUCH = "x" * 200


def fill_the_log(most: int = 5000) -> tuple[list[int], Exception]:
    """Append until it fails; return the acknowledged positions and the error."""
    company, acknowledged = new_company(), []
    for _ in range(most):
        try:
            acknowledged.append(do(FundCompany(company, Decimal(1), MUCH, "USD")).position)
        except (DatabaseError, OutcomeUnknown) as error:
            return acknowledged, error
    message = "the disk was never full"
    raise AssertionError(message)


def check_everything(acknowledged: list[int]) -> None:
    """Verify the log and the read models, and that every acknowledged event is there."""
    recorded = {event.position for event in store.read_all(types=["CompanyFunded"])}
    assert set(acknowledged) <= recorded
    verify(lambda *_: None)
    catch_up(*consumers.projectors)
    call_command("verify_ledger", verbosity=0)


def test_a_full_sqlite_file_refuses_appends_and_consumers_and_loses_nothing(database: Database) -> None:
    if database.vendor != "sqlite":
        pytest.skip("this is SQLite's limit of pages")
    acknowledged = [do(FundCompany(new_company(), Decimal(1), "there is room", "USD")).position]
    with at_most_pages(more=20):
        check_that_it_is_full(acknowledged)
    acknowledged.append(do(FundCompany(new_company(), Decimal(1), "there is room again", "USD")).position)
    check_everything(acknowledged)


def check_that_it_is_full(acknowledged: list[int]) -> None:
    """Append and project until there is no room."""
    more, error = fill_the_log()
    acknowledged += more
    assert isinstance(error, OperationalError)
    assert "full" in str(error)
    assert [event.position for event in store.read_all()] == list(range(1, max(acknowledged) + 1))
    with pytest.raises((NotCaughtUp, OperationalError), match="full"):
        catch_up(*consumers.projectors)


@contextmanager
def at_most_pages(more: int) -> Iterator[None]:
    """Let the file of each connection grow by a few pages only."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        most = cursor.fetchone()[0] + more

    def limit(connection: Any, **_signal: Any) -> None:
        connection.connection.execute(f"PRAGMA max_page_count = {most}")

    connections.close_all()
    connection_created.connect(limit)
    try:
        yield
    finally:
        connection_created.disconnect(limit)
        connections.close_all()


@pytest.fixture
def full_disk(database: Database, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[SmallDisk, Cluster]]:
    """Return a PostgreSQL on a small disk; Django is connected to it."""
    if database.vendor != "postgresql":
        pytest.skip("this is PostgreSQL's disk")
    root = Path(tempfile.mkdtemp(prefix="daybook-disk-", dir="/tmp"))
    with mounted(root, 200) as disk:
        cluster = Cluster(durable=True, place=str(root), settings={"min_wal_size": "32MB", "max_wal_size": "32MB"})
        cluster.restore(prepared_data())
        with cluster, django_db_blocker.unblock(), connected_to(Database(cluster.url(DURABLE), "postgresql")):
            yield disk, cluster
    root.rmdir()


def test_a_full_disk_of_postgresql_refuses_appends_and_loses_nothing(full_disk: tuple[SmallDisk, Cluster]) -> None:
    disk, cluster = full_disk
    acknowledged = [do(FundCompany(new_company(), Decimal(1), "there is room", "USD")).position]
    disk.fill()
    more, error = fill_the_log()
    assert "No space left" in str(error) or isinstance(error, OutcomeUnknown | OperationalError), error
    acknowledged += more
    disk.free()
    connections.close_all()
    if not cluster.is_running():
        cluster.start()
    wait_until(_answers)
    acknowledged.append(do(FundCompany(new_company(), Decimal(1), "there is room again", "USD")).position)
    check_everything(acknowledged)


def _answers() -> bool:
    try:
        store.head()
    except DatabaseError:
        connections.close_all()
        return False
    return True
