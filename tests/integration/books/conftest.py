"""A person who may read the ledger, and a ledger with an invoice that was paid late."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from eventstore.consumers.loop import catch_up
from tests.support.databases import Database
from tests.support.ledger.book import Product
from tests.support.ledger.paid_late import paid_late


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
def reader(database: Database) -> Reader:
    """Return a user who may view the ledger and is not staff."""
    user = User.objects.create_user("auditor", password="auditor")
    user.user_permissions.add(Permission.objects.get(codename="view_ledger"))
    return Reader(user)


@pytest.fixture
def invoice(database: Database) -> Product:
    """Return an invoice of 45.00 that was paid three days late, with its fees."""
    catch_up("late_fees")
    return paid_late()
