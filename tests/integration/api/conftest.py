"""Fixtures for the tests of the API: clients that hold a token, and the ledger that they work on."""

from collections.abc import Iterable
from typing import Protocol

import pytest
from pytest_django.fixtures import Settings

from ledger import clients
from ledger.names import COMMANDS, permission
from tests.databases import Database
from tests.integration.api.calling import Api


class NewApi(Protocol):
    """Makes a machine client with exactly these permissions, beside reading; without any given, with all."""

    def __call__(self, name: str, permissions: Iterable[str] | None = None) -> Api:
        """Return a way to call as this client."""
        ...


@pytest.fixture
def quick_hashes(settings: Settings) -> None:
    """Hash secrets in no time: a test of the API is not one of hashing."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def new_api(database: Database, quick_hashes: None) -> NewApi:
    """Return what makes machine clients on the test's database."""

    def new(name: str, permissions: Iterable[str] | None = None) -> Api:
        given = map(permission, COMMANDS) if permissions is None else permissions
        return Api(clients.token(clients.create(name, given)))

    return new


@pytest.fixture
def api(new_api: NewApi) -> Api:
    """Return a way to call as the machine client `robot`, which may do everything."""
    return new_api("robot")
