"""Fixtures for the tests of the edge: a machine client, and a hasher that counts its checks."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from pytest_django.fixtures import Settings

from ledger import clients
from tests.support.databases import Database


class CountingHasher(MD5PasswordHasher):
    """Hashes quickly, and counts how often a secret is checked."""

    checked = 0

    def verify(self, password: str, encoded: str) -> bool:
        """Check a secret and count the check."""
        CountingHasher.checked += 1
        return super().verify(password, encoded)


@pytest.fixture
def hasher(settings: Settings) -> Iterator[type[CountingHasher]]:
    """Return the hasher that checks secrets in this test."""
    settings.PASSWORD_HASHERS = [f"{CountingHasher.__module__}.{CountingHasher.__qualname__}"]
    CountingHasher.checked = 0
    yield CountingHasher
    CountingHasher.checked = 0


class Machine:
    """A machine client that requests tokens."""

    def __init__(self, known: clients.Client) -> None:
        self.id, self.secret = known.client_id, known.client_secret
        self._http = Client(raise_request_exception=False)

    def ask(self, secret: str | None = None, address: str = "10.0.0.1", path: str = "/o/token/", **form: str) -> Any:
        """Request a token, with its own secret unless another is given."""
        credentials = base64.b64encode(f"{self.id}:{secret or self.secret}".encode()).decode()
        return self._http.post(
            path,
            {"grant_type": "client_credentials", **form},
            headers={"Authorization": f"Basic {credentials}"},
            secure=True,
            REMOTE_ADDR=address,
        )


@pytest.fixture
def machine(database: Database, hasher: type[CountingHasher]) -> Machine:
    """Return a machine client that may read."""
    return Machine(clients.create("robot", []))
