"""Fixtures for all tests: databases of their own, and manage.py in processes of its own."""

import gc
import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import hypothesis
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection, connections
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from tests.support import processes
from tests.support.api.static_files import find_static_files_once
from tests.support.databases import (
    Database,
    Databases,
    PostgresDatabases,
    SqliteDatabases,
    connected_as,
    connected_to,
)
from tests.support.ledger.replay import replayed
from tests.support.postgres import roles
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.prepared import DURABLE, prepared_cluster
from tests.support.processes import RunManage, Started, StartManage
from tests.support.rounds import rounds
from tests.support.webserver import Serve, WebServer, serving

# A password or secret is hashed in no time, in this process only; the hash says so, so that a server can check it.
PBKDF2PasswordHasher.iterations = 1

find_static_files_once()

# A busy machine breaks no rule: hypothesis has no deadline, and may be slow in making examples.
hypothesis.settings.register_profile(
    "daybook", deadline=None, max_examples=rounds(100), suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("daybook")

WITHOUT_DATABASE: Final = {"unit", "properties", "architecture"}
"""Directories whose tests run once and never see a database."""

_OBJECTS_BEFORE_A_COLLECTION: Final = 20_000
"""Python's own number, 700, costs a twentieth of the tests' processor time."""

OWN: Final = ("durable_database", "replayed_database", "database")
"""The fixtures that are a test's own database."""
OURS: Final = {*OWN, "databases", "read_database", "cluster"}
DJANGOS: Final = {"db", "transactional_db", "django_db_setup", "live_server", "admin_client", "admin_user"}


def pytest_collection() -> None:
    """Collect no garbage while the tests are loaded: there is hardly any."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave out of every later garbage collection what is loaded by now, as it stays; that is most of the memory."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_A_COLLECTION)
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a database in tests that need none, and pytest-django's own: the log cannot be flushed between tests."""
    if os.environ["DAYBOOK_TEST_VENDOR"] != "sqlite":
        left_out = [item for item in items if item.get_closest_marker("one_database")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        directory = item.path.relative_to(Path(__file__).parent).parts[0]
        if directory in WITHOUT_DATABASE and fixtures & (OURS | {"run_manage", "start_manage"}):
            message = f"{item.nodeid}: tests/{directory} works without a database; move the test"
            raise pytest.UsageError(message)
        if fixtures & DJANGOS or item.get_closest_marker("django_db"):
            message = f"{item.nodeid}: use the fixture `database` instead of pytest-django's"
            raise pytest.UsageError(message)


@pytest.fixture(scope="session")
def databases(django_db_blocker: DjangoDbBlocker) -> Iterator[Databases]:
    """Makes fresh databases of the vendor that this run is for: `databases.make()`, `databases.drop(...)`."""
    with django_db_blocker.unblock():
        made: Databases
        if os.environ["DAYBOOK_TEST_VENDOR"] == "postgresql":
            made = PostgresDatabases(os.environ["DAYBOOK_TEST_POSTGRES"])
        else:
            made = SqliteDatabases()
        yield made
        made.close()


@pytest.fixture
def database(databases: Databases, django_db_blocker: DjangoDbBlocker) -> Iterator[Database]:
    """Return a fresh migrated database for this test, to which Django is connected in every thread."""
    fresh = databases.make()
    with django_db_blocker.unblock(), connected_to(fresh):
        assert connection.vendor == fresh.vendor == os.environ["DAYBOOK_TEST_VENDOR"]
        yield fresh
    databases.drop(fresh)


@pytest.fixture
def as_owner(database: Database) -> Iterator[None]:
    """Connect Django as the owner of the tables, which can change them and switch off triggers."""
    assert database.url
    with connected_as(roles.OWNER):
        yield


@pytest.fixture
def as_superuser(database: Database) -> Iterator[None]:
    """Connect Django as a superuser of PostgreSQL, to which nothing is refused but by triggers."""
    assert database.url
    with connected_as(roles.SUPERUSER):
        yield


@pytest.fixture
def replayed_database(databases: Databases, django_db_blocker: DjangoDbBlocker) -> Iterator[Database]:
    """Return a database of this test's own in which two years of invoices were replayed; Django is connected to it."""
    with django_db_blocker.unblock():
        own = replayed(databases)
        with connected_to(own):
            yield own
    databases.drop(own)


@pytest.fixture
def read_database(
    database: Database, databases: Databases, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """Return a second database, for the read models: the alias `read`, and READ_DATABASE_URL for subprocesses."""
    second = databases.make()
    monkeypatch.setenv("READ_DATABASE_URL", second.url)
    settings.READ_DATABASE = "read"
    connections.settings["read"] = dict(connections.settings["default"])
    with connected_to(second, alias="read"):
        yield second
    del connections.settings["read"]
    databases.drop(second)


@pytest.fixture
def cluster(django_db_blocker: DjangoDbBlocker) -> Iterator[Cluster]:
    """Return a running PostgreSQL server of this test's own that flushes to disk, to be crashed and restored."""
    if os.environ["DAYBOOK_TEST_VENDOR"] != "postgresql":
        pytest.skip("crashes a PostgreSQL server")
    with django_db_blocker.unblock():
        own = prepared_cluster()
    with own:
        yield own


@pytest.fixture
def durable_database(cluster: Cluster, django_db_blocker: DjangoDbBlocker) -> Iterator[Database]:
    """Return a migrated database on the test's own `cluster`, to which Django is connected in every thread."""
    fresh = Database(cluster.url(DURABLE), "postgresql")
    with django_db_blocker.unblock(), connected_to(fresh):
        yield fresh


def _own_database(request: pytest.FixtureRequest) -> Database:
    """Return the database that the test already asked for, or a fresh one."""
    name = next(name for name in OWN if name in request.fixturenames or name == "database")
    asked: Database = request.getfixturevalue(name)
    return asked


@pytest.fixture
def run_manage(request: pytest.FixtureRequest) -> RunManage:
    """Run `manage.py` on the test's database in a process of its own, until it ends."""
    own = _own_database(request)

    def run(*args: str, check: bool = True, env: Mapping[str, str] | None = None) -> processes.Finished:
        return processes.run(processes.manage(*args), {**own.env, **(env or {})}, check=check)

    return run


@pytest.fixture
def start_manage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StartManage]:
    """Start `manage.py` on the test's database in a process of its own, which is killed in the end."""
    own = _own_database(request)
    started: list[Started] = []
    numbers = itertools.count(1)

    def start(*args: str, env: Mapping[str, str] | None = None) -> Started:
        directory = tmp_path / f"process-{next(numbers)}"
        directory.mkdir()
        process = Started(processes.manage(*args), {**own.env, **(env or {})}, directory)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill_group()


@pytest.fixture
def serve(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serve]:
    """Serve the web on the test's database by a gunicorn of its own, which is killed in the end."""
    yield from _servers(_own_database(request), tmp_path, alone=False)


@pytest.fixture
def serve_alone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serve]:
    """Do the same by a new Python, which is slower: nothing is loaded before gunicorn starts."""
    yield from _servers(_own_database(request), tmp_path, alone=True)


def _servers(own: Database, folder: Path, *, alone: bool) -> Iterator[Serve]:
    numbers = itertools.count(1)
    with ExitStack() as servers:

        def start(**env: str) -> WebServer:
            directory = folder / f"server-{next(numbers)}"
            directory.mkdir()
            return servers.enter_context(serving({**own.env, "DEBUG": "false", **env}, directory, alone=alone))

        yield start
