"""The caches of processes after the server crashes before a flush, or after an older database is restored.

The WAL writer is stopped and the append commits asynchronously, so that its event can be read but is not durable.
"""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections
from pytest_django import DjangoDbBlocker

from eventstore import store
from eventstore.records import IdempotencyKey
from ledger import memberships, states
from ledger.daily_cycle import cycle
from ledger.rules.aggregates.membership import EMPTY, Membership
from ledger.rules.commands import ActivateDeal, DeleteDeal, FundCompany, RegisterCompany, RenameCompany
from ledger.rules.refusals.existence import AlreadyExists
from tests.support import processes, shared
from tests.support.api.calling import Api, new_token
from tests.support.databases import Database, connected_as, connected_to
from tests.support.ledger.portfolio import do, new_company, new_deal, together
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.prepared import DURABLE, prepared_cluster
from tests.support.postgres.roles import SUPERUSER

pytestmark = pytest.mark.usefixtures("crashable")

Project = Callable[[], processes.Finished]

MEMBERSHIP = 4
MONDAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def server(django_db_blocker: DjangoDbBlocker) -> Iterator[Cluster]:
    """Return the server of these tests, which crash it one after the other."""
    if os.environ["DAYBOOK_TEST_VENDOR"] != "postgresql":
        pytest.skip("crashes a PostgreSQL server")
    with django_db_blocker.unblock():
        own = prepared_cluster({"wal_writer_delay": "10s"})
    with own:
        yield own


@pytest.fixture
def cluster(server: Cluster) -> Cluster:
    return server


@pytest.fixture
def crashable(server: Cluster, django_db_blocker: DjangoDbBlocker) -> Iterator[Database]:
    name = f"test_{uuid4().hex}"
    server.create_database(name, template=DURABLE)
    fresh = Database(server.url(name), "postgresql")
    with django_db_blocker.unblock(), connected_to(fresh):
        yield fresh
    server.drop_database(name)  # a backup for the next test would contain it


@contextmanager
def nothing_flushed() -> Iterator[None]:
    """Leave this thread's commits readable but not on disk, until another connection's commit flushes them."""
    with connected_as(SUPERUSER), connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
        (writer,) = cursor.fetchone()
    with connection.cursor() as cursor:
        store.barrier()
        os.kill(writer, signal.SIGSTOP)
        cursor.execute("SET synchronous_commit = off")
        yield
        cursor.execute("SET synchronous_commit = on")


def crash(cluster: Cluster) -> None:
    cluster.kill()
    connections.close_all()
    cluster.start()


def restored(cluster: Cluster, act: Callable[[], object]) -> None:
    """Act on the database, then restore it to the state before."""
    connections.close_all()
    cluster.stop()
    backup = cluster.backup()
    cluster.start()
    act()
    connections.close_all()
    cluster.stop()
    cluster.restore(backup)
    cluster.start()


def first_sent(api: Api, after: int) -> str:
    """Return the first events that the event stream sends."""
    response = api.get(f"/api/events/stream?after={after}")
    retry, events = (next(response.streaming_content).decode() for _ in range(2))
    response.close()
    assert retry.startswith("retry: ")
    return str(events)


def name_of(company: UUID) -> str:
    return states.company(company).state.name


class TestAnEventThatIsReadBeforeItIsDurable:
    def test_is_made_durable_before_it_is_sent_on_the_event_stream(self, cluster: Cluster) -> None:
        api, company = Api(new_token("reader", ())), new_company()
        head = store.head().position
        with nothing_flushed():
            do(RenameCompany(company, "Sent"))
        [sent] = together(lambda: first_sent(api, head))
        assert f'"position":{head + 1}' in str(sent)
        crash(cluster)
        assert name_of(company) == "Sent"

    def test_is_dropped_from_the_cache_if_a_crash_loses_it(self, cluster: Cluster) -> None:
        company = new_company()
        with nothing_flushed():
            do(RenameCompany(company, "Lost"))
        [seen] = together(lambda: name_of(company))
        assert seen == "Lost"
        crash(cluster)
        assert name_of(company).startswith("Company")
        assert states.company(company).version == 1

    def test_is_dropped_from_the_cache_if_another_event_has_its_position_and_version(self, cluster: Cluster) -> None:
        company = new_company("10.00")
        with nothing_flushed():
            lost = do(FundCompany(company, Decimal(90), "lost")).events[0]
        assert states.company(company).state.balance == Decimal("100.00")
        crash(cluster)
        found = do(FundCompany(company, Decimal(1), "instead")).events[0]
        assert (found.position, found.version) == (lost.position, lost.version)
        assert states.company(company).state.balance == Decimal("11.00")

    def test_is_dropped_from_memberships_if_another_event_has_its_position_and_version(self, cluster: Cluster) -> None:
        company, other = new_company(), new_company()
        deal = new_deal(active=False, line=MEMBERSHIP, tier="A", company_uuid=company)
        memberships.lookup(company)
        with nothing_flushed():
            lost = do(DeleteDeal(deal)).events[0]
        assert memberships.lookup(company) == EMPTY
        crash(cluster)
        found = do(ActivateDeal(deal)).events[0]
        assert (found.position, found.version) == (lost.position, lost.version)
        assert memberships.lookup(company) == Membership("A", deal, activated=True)
        assert memberships.lookup(other) == EMPTY

    def test_is_dropped_from_memberships_if_a_crash_loses_it(self, cluster: Cluster) -> None:
        company = new_company()
        with nothing_flushed():
            new_deal(line=MEMBERSHIP, tier="A", company_uuid=company)
        assert memberships.lookup(company).activated
        crash(cluster)
        assert memberships.lookup(company) == EMPTY


class TestAnEventThatAnAnswerReliesOn:
    """The answer "this is already recorded" runs the barrier first, so the event survives a crash."""

    def test_survives_the_refusal_of_a_uuid_that_exists(self, cluster: Cluster) -> None:
        company = uuid4()
        with nothing_flushed():
            do(RegisterCompany(company, "Acme"))
        [refusal] = together(lambda: do(RegisterCompany(company, "Acme")))
        assert isinstance(refusal, AlreadyExists)
        crash(cluster)
        assert name_of(company) == "Acme"

    def test_survives_a_repeated_key(self, cluster: Cluster) -> None:
        company, key = new_company(), IdempotencyKey("tester", "key", "body")
        with nothing_flushed():
            do(FundCompany(company, Decimal(5), "capital", "USD"), key=key)
        [answer] = together(lambda: do(FundCompany(company, Decimal(5), "capital", "USD"), key=key))
        assert not isinstance(answer, Exception)
        assert answer.repeated
        crash(cluster)
        assert states.company(company).state.balance == Decimal("5.00")

    def test_survives_a_repeated_key_over_http(self, cluster: Cluster) -> None:
        api, company = Api(new_token("robot")), new_company()
        body = {"company_uuid": company, "amount": "5.00", "currency": "USD", "reference": "capital"}
        with nothing_flushed():
            first = api.command("fund-company", body, key="key")
        [again] = together(lambda: api.command("fund-company", body, key="key"))
        assert not isinstance(again, Exception)
        assert again.content == first.content
        crash(cluster)
        assert api.command("fund-company", body, key="key").content == first.content
        assert states.company(company).state.balance == Decimal("5.00")

    def test_survives_a_repeated_cycle_of_its_date(self, cluster: Cluster) -> None:
        with nothing_flushed():
            cycle(MONDAY)
            # The cycle's own barrier commits as this thread does, without a flush.
        assert together(lambda: cycle(MONDAY)) == [[]]
        crash(cluster)
        assert [event.data.new_date for event in store.read_stream("system")] == [MONDAY]

    def test_would_be_lost_without_the_barrier(self, cluster: Cluster) -> None:
        company = uuid4()
        with nothing_flushed():
            do(RegisterCompany(company, "Acme"))
            cycle(MONDAY)
        crash(cluster)
        assert store.head().position == 0


class TestARestoredOlderDatabase:
    def test_is_noticed_by_the_cache_and_by_memberships(self, cluster: Cluster) -> None:
        company, other = new_company("10.00"), new_company()
        deal = new_deal(active=False, line=MEMBERSHIP, tier="A", company_uuid=company)

        def go_on() -> None:
            do(FundCompany(company, Decimal(5), "lost"))
            do(RenameCompany(other, "Lost"))
            do(ActivateDeal(deal))
            assert states.company(company).state.balance == Decimal("15.00")
            assert name_of(other) == "Lost"
            assert memberships.lookup(company).activated

        restored(cluster, go_on)
        assert states.company(company).state.balance == Decimal("10.00")
        assert not memberships.lookup(company).activated
        do(RenameCompany(other, "Instead"))  # takes the position of the lost funding
        assert name_of(other) == "Instead"
        do(DeleteDeal(deal))
        assert memberships.lookup(company) == EMPTY
        assert states.company(company).state.balance == Decimal("10.00")


class TestACheckpointInAnotherDatabase:
    """The read models lie on SQLite, which neither crashes nor is restored with the log."""

    @pytest.fixture
    def project(self, crashable: Database, tmp_path: Path) -> Project:
        environment = {**crashable.env, "READ_DATABASE_URL": f"sqlite:///{tmp_path}/read.sqlite3"}
        migrated = shared.folder() / "read.sqlite3"

        def migrate() -> None:
            command = processes.manage("migrate", "-v0", "--database", "read")
            processes.run(command, {**environment, "READ_DATABASE_URL": f"sqlite:///{migrated}"}, check=True)

        shared.once("read", migrate)
        shutil.copyfile(migrated, tmp_path / "read.sqlite3")
        command = processes.manage("run_projector", "directory", "--once")
        return lambda: processes.run(command, environment, check=False)

    def test_is_never_ahead_of_the_durable_log(self, cluster: Cluster, project: Project) -> None:
        with nothing_flushed():
            company = new_company()
        assert project().returncode == 0
        crash(cluster)
        assert states.company(company).state.exists
        assert project().returncode == 0

    def test_stops_its_projector_if_its_last_event_is_gone(self, cluster: Cluster, project: Project) -> None:
        new_company()
        restored(cluster, lambda: [new_company(), project()])
        done = project()
        assert done.returncode != 0
        assert "another store" in done.stderr
        new_company()  # takes the position of the lost event
        done = project()
        assert done.returncode != 0
        assert "another store" in done.stderr
        assert "Traceback" not in done.stderr
