"""A person who may read the ledger, and a ledger with an invoice that was paid late."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from eventstore.consumers.loop import catch_up
from eventstore.models import Home
from tests.support.databases import Database, Databases, connected_as, connected_to
from tests.support.ledger.book import Product
from tests.support.ledger.paid_late import paid_late
from tests.support.ledger.random_histories import History, record
from tests.support.postgres.roles import OWNER


class Reader:
    """Somebody's browser, without the browser."""

    def __init__(self, user: User | None) -> None:
        self._client = Client(raise_request_exception=False)
        self.user_id = None if user is None else user.pk
        if user is not None:
            self._client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    def get(self, path: str, **parameters: str) -> Any:
        """GET a page."""
        return self._client.get(path, parameters, secure=True)

    def post(self, path: str, **form: str) -> Any:
        """POST a form."""
        return self._client.post(path, form, secure=True)

    def text(self, path: str, **parameters: str) -> str:
        """GET a page that must be there, and return it."""
        response = self.get(path, **parameters)
        assert response.status_code == 200, response.content.decode()
        return str(response.content.decode())


@pytest.fixture
def prepared(
    request: pytest.FixtureRequest, databases: Databases, django_db_blocker: DjangoDbBlocker
) -> tuple[Database, Product | None]:
    """Return a database with an invoice of 45.00 that was paid three days late, a random history, or nothing."""
    with django_db_blocker.unblock():
        if "invoice" in request.fixturenames:
            return databases.prepared("paid_late", _paid_late)
        if "history" in request.fixturenames:
            return databases.prepared("history", _history)
        return databases.make(), None


def _paid_late(_: Database) -> Product:
    catch_up("late_fees")
    invoice = paid_late()
    _leave_home()
    return invoice


def _history(_: Database) -> None:
    record(History(33, 200, fees_late=True).appends)
    catch_up()
    _leave_home()


def _leave_home() -> None:
    """Let each copy be at home where something first acts in it."""
    with connected_as(OWNER):
        Home.objects.all().delete()


@pytest.fixture
def history(database: Database) -> None:
    """Record a random history, which every read model has followed."""


@pytest.fixture
def database(
    prepared: tuple[Database, Product | None], databases: Databases, django_db_blocker: DjangoDbBlocker
) -> Iterator[Database]:
    """Return the database of this test, to which Django is connected in every thread."""
    own, _ = prepared
    with django_db_blocker.unblock(), connected_to(own):
        yield own
    databases.drop(own)


@pytest.fixture
def reader(database: Database) -> Reader:
    """Return a user who may view the ledger and is not staff."""
    user = User.objects.create_user("auditor", password="auditor")
    user.user_permissions.add(Permission.objects.get(codename="view_ledger"))
    return Reader(user)


@pytest.fixture
def invoice(prepared: tuple[Database, Product | None], database: Database) -> Product:
    """Return an invoice of 45.00 that was paid three days late, with its fees."""
    _, recorded = prepared
    assert recorded is not None
    return recorded
