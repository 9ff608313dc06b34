"""Every route refuses requests without permission; the routes are read from the URL configuration to be complete."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from oauth2_provider.models import get_access_token_model, get_application_model
from pytest_django import DjangoDbBlocker

from eventstore import store
from eventstore.clock import utc_now
from ledger.names import COMMANDS, VIEW, permission
from tests.support.api.calling import PROBLEM, new_token, problem
from tests.support.databases import Databases, connected_to
from web.api.application import api as ninja_api
from web.api.commands import router as commands_router

OPEN: Final = {
    "/healthz",
    "/readyz",
    "/o/token",
    "/o/token/",
    "/admin/login/",
    "/books/login/",
    "/api/docs",
    "/api/openapi.json",
}
"""What is open to all, besides static files."""
ITS_OWN_WAY: Final = {"/o/revoke_token", "/o/revoke_token/"}
"""Asks for the client's id and secret, and answers as RFC 7009 says."""
EMPTY: Final = {"/": 302, "/api/": 404}
"""Has nothing to guard: the way to the admin, and the folder of the API."""
TO_THE_LOGIN: Final = ("/admin/", "/books/")
"""Pages for people, which send a person who is not logged in to the login page."""
UUID: Final = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
SAMPLES: Final = {"uuid": UUID, "category": "company"}
"""What stands for a part of an address, by the last word of the part's name; 1 for any other."""
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def routes(patterns: list[Any], before: str = "/") -> Iterator[str]:
    """Yield an address of every route of the URL configuration."""
    for pattern in patterns:
        route = before + _sample(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            assert isinstance(pattern, URLPattern)
            yield route


def _sample(route: str) -> str:
    if route.startswith("^") or "(?P" in route:
        return re.sub(r"\(\?P<\w+>[^)]*\)", "anything", route).strip("^$").replace("\\Z", "")
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: SAMPLES.get(found[1].rpartition("_")[2], "1"), route)


ROUTES: Final = sorted(set(routes(get_resolver().url_patterns)))
GUARDED: Final = [route for route in ROUTES if route not in OPEN | ITS_OWN_WAY and not route.startswith(TO_THE_LOGIN)]
pytestmark = pytest.mark.one_database

Headers = dict[str, str]
browser: Final = Client(raise_request_exception=False)
"""Forgets its cookies before each request."""


@cache
def operations() -> list[tuple[str, str]]:
    """Return an address and the method of each operation of the API; the document takes a second."""
    return sorted(
        (_sample(path.replace("{", "<").replace("}", ">")), method.upper())
        for path, methods in ninja_api.get_openapi_schema()["paths"].items()
        for method in methods
    )


def nothing() -> Headers:
    return {}


def wrong() -> Headers:
    return {"Authorization": "Bearer wrong"}


def of_another_kind() -> Headers:
    return {"Authorization": "Basic cm9ib3Q6c2VjcmV0"}


def garbage() -> Headers:
    return {"Authorization": "Bearer"}


def expired() -> Headers:
    token = _bearer("expired")
    get_access_token_model().objects.filter(application__name="expired").update(expires=utc_now() - timedelta(hours=1))
    return token


def revoked() -> Headers:
    token = _bearer("revoked")
    get_access_token_model().objects.get(application__name="revoked").revoke()
    return token


def of_a_deleted_client() -> Headers:
    token = _bearer("deleted")
    get_application_model().objects.filter(name="deleted").delete()
    return token


def of_a_deactivated_user() -> Headers:
    token = _bearer("deactivated")
    User.objects.filter(username="deactivated").update(is_active=False)
    return token


def _bearer(name: str) -> Headers:
    return {"Authorization": f"Bearer {new_token(name)}"}


CREDENTIALS: Final[list[Callable[[], Headers]]] = [
    nothing,
    wrong,
    of_another_kind,
    garbage,
    expired,
    revoked,
    of_a_deleted_client,
    of_a_deactivated_user,
]


@pytest.fixture(scope="module", autouse=True)
def _one_database(databases: Databases, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Connect to one database for all of these tests, which record nothing."""
    fresh = databases.make()
    with django_db_blocker.unblock(), connected_to(fresh):
        yield
        assert store.head().position == 0
    databases.drop(fresh)


def ask(method: str, route: str, headers: Headers) -> Any:
    browser.cookies.clear()
    return browser.generic(method, route, b"{}" if method == "POST" else b"", "application/json", headers=headers)


def test_the_walk_meets_every_operation_of_the_document() -> None:
    assert len(operations()) >= len(COMMANDS) + 15
    assert {path for path, _ in operations()} <= set(ROUTES)
    assert len(GUARDED) > len(COMMANDS)


def test_every_route_listed_as_public_exists() -> None:
    for route in OPEN - {"/o/token", "/o/token/"}:
        assert ask("GET", route, {}).status_code == 200, route


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_no_route_serves_a_credential_that_is_none(credential: Callable[[], Headers]) -> None:
    headers = credential()
    for path, method in operations():
        if path not in OPEN:
            problem(ask(method, path, headers), 401, "unauthenticated")
    for route in GUARDED:
        for method in METHODS if credential in {nothing, expired} else ("GET", "POST"):
            response = ask(method, route, headers)
            if route in EMPTY:
                assert response.status_code == EMPTY[route], method
            else:
                assert response.status_code in {401, 405}, (method, route, response.status_code)
                assert response.status_code == 405 or response["Content-Type"] == PROBLEM, (method, route)


def test_every_page_for_people_sends_to_the_login_page() -> None:
    for route in ROUTES:
        if route.startswith(TO_THE_LOGIN) and route not in OPEN:
            response = ask("GET", route, {})
            assert response.status_code in {302, 405}, route
            if response.status_code == 302 and not route.endswith("logout/"):
                assert response["Location"].startswith(("/admin/login/?next=", "/books/login/?next=")), route


def test_revocation_asks_for_the_clients_own_credentials() -> None:
    for route in ITS_OWN_WAY:
        for headers in ({}, wrong()):
            assert ask("POST", route, headers).status_code in {400, 401}


def test_reading_asks_for_the_permission_to_read() -> None:
    headers = _bearer("blind")
    User.objects.get(username="blind").user_permissions.filter(codename=VIEW.removeprefix("ledger.")).delete()
    asked = [
        (path, method)
        for path, method in operations()
        if not path.startswith("/api/commands/") and path not in OPEN
        if not (path.startswith("/api/webhooks") and method == "POST")  # they ask for the permission to operate
    ]
    assert len(asked) >= 15
    for path, method in [*asked, ("/metrics", "GET")]:
        reported = problem(ask(method, path, headers), 403, "forbidden")
        assert VIEW in reported["detail"]


def test_each_command_asks_for_a_permission_that_no_other_gives() -> None:
    paths = [path for path, _ in operations() if path.startswith("/api/commands/")]
    assert len(paths) == len(COMMANDS) == len(commands_router.path_operations)
    for path in paths:
        name = path.removeprefix("/api/commands/")
        others = [permission(other) for other in COMMANDS if other != name]
        headers = {"Authorization": f"Bearer {new_token(f'all-but-{name}', others)}"}
        reported = problem(ask("POST", path, headers), 403, "forbidden")
        assert permission(name) in reported["detail"]


def test_a_session_that_may_nothing_does_nothing() -> None:
    browser.force_login(User.objects.create_user("somebody"))
    for path, method in operations():
        if path not in OPEN:
            answer = browser.generic(method, path, b"{}", "application/json")
            problem(answer, 403, "forbidden")
