"""Authenticates a request, by a machine's bearer token or a person's session, and checks the permission it needs."""

import hashlib
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest
from ninja.security import HttpBearer, SessionAuth
from ninja.utils import check_csrf

from eventstore.clock import utc_now
from eventstore.libpq import arrays
from eventstore.libpq.prepared import Prepared, fetch
from ledger import clients
from ledger.names import VIEW
from web.protocol import problem_kinds
from web.protocol.problems import Problem
from web.protocol.query_parameters import header

_MAX_TOKEN: Final = 512
_FIELDS: Final = [field.attname for field in User._meta.concrete_fields]  # noqa: SLF001 - Django's documented API of models
_FIND_USER: Final = f"""
SELECT {", ".join(f"auth_user.{name}" for name in _FIELDS)}, EXISTS (
    SELECT 1
    FROM auth_user_user_permissions AS given
    JOIN auth_permission AS permission ON permission.id = given.permission_id
    JOIN django_content_type AS content_type ON content_type.id = permission.content_type_id
    WHERE given.user_id = auth_user.id AND content_type.app_label = 'ledger' AND permission.codename = %s
) AS is_permitted
FROM oauth2_provider_accesstoken AS token
JOIN oauth2_provider_application AS application ON application.id = token.application_id
JOIN auth_user ON auth_user.id = application.user_id
WHERE token.token_checksum = %s AND token.expires > """  # noqa: S608 - names of Django's own columns
"""One statement for each request; Django's own permissions would take three."""
_PREPARED: Final = Prepared(b"web_find_user", f"{_FIND_USER}%s::timestamptz", (arrays.TEXT,) * 3)


class Bearer(HttpBearer):
    """Authenticates an API client by a token from /o/token/; the client acts as its own user."""

    def __init__(self, permission: str) -> None:
        super().__init__()
        self._permission = permission

    def __call__(self, request: HttpRequest) -> User | None:
        """Return the client's user as ninja does, without parsing all headers; None without a bearer token."""
        scheme, _, token = (header(request, "Authorization") or "").partition(" ")
        return self.authenticate(request, token) if scheme.lower() == self.openapi_scheme else None

    def authenticate(self, request: HttpRequest, token: str) -> User | None:  # noqa: ARG002 - ninja's own
        """Return the client's user, or None if the token is unknown, expired or revoked."""
        if len(token) > _MAX_TOKEN:
            return None
        checksum = hashlib.sha256(token.encode()).hexdigest()
        user, is_permitted = _find_user(self._permission.removeprefix("ledger."), checksum)
        return _permitted(user, self._permission, is_permitted=is_permitted)


def _find_user(codename: str, checksum: str) -> tuple[User | None, bool]:
    """Return the user of a valid token, and whether the permission of this name was given to the user directly."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "postgresql":
        rows = fetch(connection, _PREPARED, [codename, checksum, utc_now().isoformat()])
        if not rows:
            return None, False
        *values, is_permitted = rows[0]
        return User.from_db(connection.alias, _FIELDS, values), is_permitted
    now = connection.ops.adapt_datetimefield_value(utc_now())
    found = next(iter(User.objects.raw(f"{_FIND_USER}%s", [codename, checksum, now])), None)
    return found, bool(getattr(found, "is_permitted", False))


class Session(SessionAuth):
    """Authenticates a person by the admin's session; a request that may change something is checked for CSRF."""

    def __init__(self, permission: str) -> None:
        super().__init__()
        self._permission = permission

    def __call__(self, request: HttpRequest) -> User | None:
        """Return the user, or None if nobody has logged in; raises Problem if the CSRF check fails."""
        user = _permitted(request.user, self._permission) if self.param_name in request.COOKIES else None
        if user is not None and check_csrf(request) is not None:
            raise Problem(problem_kinds.CSRF_FAILED)
        return user

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:  # noqa: ARG002 - ninja's own
        """Return what a call returns."""
        return self(request)


def authenticators(permission: str = VIEW) -> list[Any]:
    """Return the ways to authenticate for an operation that needs this permission."""
    return [Bearer(permission), Session(permission)]


def can_still_read(request: HttpRequest) -> bool:
    """Authenticate a request again while its response is streamed: its token and permissions may have changed."""
    again = HttpRequest()
    again.method, again.META, again.COOKIES = "GET", request.META, request.COOKIES
    again.session = type(request.session)(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    try:
        again.user = get_user(again)
        return any(authenticate(again) is not None for authenticate in authenticators())
    except PermissionDenied:
        return False


def _permitted(
    user: AbstractBaseUser | AnonymousUser | None, permission: str, *, is_permitted: bool = False
) -> User | None:
    """Return an active user, None for any other; raises PermissionDenied if the user lacks the permission."""
    if not isinstance(user, User) or not user.is_active:
        return None
    # A permission that is not the user's own may be a group's, or a superuser's.
    if not is_permitted and not user.has_perm(permission):
        raise PermissionDenied(f"This needs the permission {permission}. Ask the operator of this ledger for it.")
    if permission != VIEW and clients.is_reserved(user.get_username()):
        raise PermissionDenied("The ledger itself records under this name. Use another user.")
    return user


def check_permission(request: HttpRequest, permission: str) -> None:
    """Check a further permission of the request's user; raises PermissionDenied."""
    _permitted(_user(request), permission)


def actor(request: HttpRequest) -> str:
    """Return the name that is recorded as the actor of the request's events."""
    return _user(request).get_username()


def actor_id(request: HttpRequest) -> int:
    """Return the id of the actor, which never changes and is never given to another, unlike its name."""
    return _user(request).pk


def _user(request: HttpRequest) -> User:
    user: User = request.auth  # type: ignore[attr-defined] # ninja keeps there what the authenticator returned
    return user
