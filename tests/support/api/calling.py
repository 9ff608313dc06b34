"""Calls the API in this process, as a client would that holds a token."""

import json
from collections.abc import Iterable
from typing import Any, Final
from uuid import uuid4

from django.test import Client

from ledger import clients
from ledger.names import COMMANDS, permission

PROBLEM: Final = "application/problem+json"
LISTS: Final = (
    "companies",
    "deals",
    "accounts",
    "balances",
    "products",
    "journal",
    "trial-balance",
    "aging",
    "customers",
    "daily-activity",
)
"""The read models that are paged, as their addresses name them."""


class Api:
    """Django's test client with a bearer token; `headers` are added to those of each call."""

    def __init__(self, token: str | None, **headers: str) -> None:
        self.token = token
        self.headers = headers
        self._client = Client(raise_request_exception=False)

    def get(self, path: str, headers: dict[str, str] | None = None) -> Any:
        """GET a path, with a query if it has one."""
        return self._client.get(path, headers=self._all(headers))

    def command(self, name: str, body: object, *, key: str | None = "", headers: dict[str, str] | None = None) -> Any:
        """POST a command: with a key of its own unless another is given, or None."""
        if key is not None:
            headers = {"Idempotency-Key": key or str(uuid4()), **(headers or {})}
        return self.post(f"/api/commands/{name}", json.dumps(body, default=str), headers)

    def post(
        self,
        path: str,
        body: str | bytes,
        headers: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """POST a body as it is."""
        return self._client.post(path, body, content_type=content_type, headers=self._all(headers))

    def _all(self, headers: dict[str, str] | None) -> dict[str, str]:
        own = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        return {**own, **self.headers, **(headers or {})}


def new_token(name: str, permissions: Iterable[str] | None = None) -> str:
    """Return a token of a new machine client with exactly these permissions, beside reading; or with all."""
    given = map(permission, COMMANDS) if permissions is None else permissions
    return clients.token(clients.create(name, given))


def problem(response: Any, status: int, slug: str) -> dict[str, Any]:
    """Return the problem that a response contains; it must be the expected one."""
    reported: dict[str, Any] = response.json()
    assert (response.status_code, response["Content-Type"]) == (status, PROBLEM), reported
    assert reported["type"] == slug, reported
    assert reported["status"] == status
    assert reported["title"]
    assert reported["detail"]
    return reported
