"""Fixtures for the tests of the API: clients that hold a token, and the ledger that they work on."""

from collections.abc import Iterable
from typing import Protocol

import pytest

from tests.databases import Database
from tests.integration.api.calling import Api, new_token


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
