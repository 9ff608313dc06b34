"""Fixtures for the tests of the API: clients that hold a token, and the ledger that they work on."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import pytest
from pytest_django.plugin import DjangoDbBlocker

from eventstore.consumers.loop import catch_up
from projectors.catalog import PROJECTORS
from tests.support.api.calling import Api, new_token
from tests.support.databases import Database, Databases, connected_to
from tests.support.ledger.random_histories import History, record


class NewApi(Protocol):
    """Makes a machine client with exactly these permissions, beside reading; without any given, with all."""

    def __call__(self, name: str, permissions: Iterable[str] | None = None) -> Api:
        """Return a way to call as this client."""
        ...


@pytest.fixture
def new_api(database: Database) -> NewApi:
    """Return what makes machine clients on the test's database."""

    def new(name: str, permissions: Iterable[str] | None = None) -> Api:
        return Api(new_token(name, permissions))

    return new


@pytest.fixture
def api(new_api: NewApi) -> Api:
    """Return a way to call as the machine client `robot`, which may do everything."""
    return new_api("robot")


@pytest.fixture(scope="module")
def reader(databases: Databases, django_db_blocker: DjangoDbBlocker) -> Iterator[Api]:
    """Return a client that may read, of a ledger with a history and its read models, which a module's tests share."""
    fresh = databases.make()
    with django_db_blocker.unblock(), connected_to(fresh):
        record(History(11, 300).appends)
        catch_up(*(projector.name for projector in PROJECTORS))
        yield Api(new_token("reader", ()))
    databases.drop(fresh)


@pytest.fixture(scope="module")
def shared_api(databases: Databases, django_db_blocker: DjangoDbBlocker) -> Iterator[Api]:
    """Return a client on one database for all tests of a module, each of which works with uuids of its own."""
    fresh = databases.make()
    with django_db_blocker.unblock(), connected_to(fresh):
        yield Api(new_token("robot"))
    databases.drop(fresh)
