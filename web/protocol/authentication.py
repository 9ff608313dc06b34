"""Who asks, and what they may: a machine by its bearer token, or a person by the admin's session."""

import hashlib
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest
from ninja.security import HttpBearer, SessionAuth
from ninja.utils import check_csrf

from eventstore.clock import utc_now
from ledger import clients
from ledger.names import VIEW
from web.protocol import problem_kinds
from web.protocol.problems import Problem

Caller = User
_LONGEST_TOKEN: Final = 512
_FIND: Final = """
SELECT auth_user.*, EXISTS (
    SELECT 1
    FROM auth_user_user_permissions AS given
    JOIN auth_permission AS permission ON permission.id = given.permission_id
    JOIN django_content_type AS content_type ON content_type.id = permission.content_type_id
    WHERE given.user_id = auth_user.id AND content_type.app_label = 'ledger' AND permission.codename = %s
) AS is_permitted
FROM oauth2_provider_accesstoken AS token
JOIN oauth2_provider_application AS application ON application.id = token.application_id
JOIN auth_user ON auth_user.id = application.user_id
WHERE token.token_checksum = %s AND token.expires > %s
"""
"""One look for each request, which Django's own permissions would take three for."""


class Bearer(HttpBearer):
    """A token that an API client has got at /o/token/; it acts as the client's own user."""

    def __init__(self, permission: str) -> None:
        super().__init__()
        self._permission = permission

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:  # noqa: ARG002 - ninja's own
        """Return the client's user, or None where the token is unknown, expired or revoked."""
        if len(token) > _LONGEST_TOKEN:
            return None
        now = connection.ops.adapt_datetimefield_value(utc_now())
        asked = [self._permission.removeprefix("ledger."), hashlib.sha256(token.encode()).hexdigest(), now]
        found = next(iter(User.objects.raw(_FIND, asked)), None)
        permitted = bool(getattr(found, "is_permitted", False))
        return _allowed(found, self._permission, is_permitted=permitted)


class Session(SessionAuth):
    """The session of somebody who has logged in to the admin; what changes anything is checked for CSRF."""

    def __init__(self, permission: str) -> None:
        super().__init__()
        self._permission = permission

    def __call__(self, request: HttpRequest) -> Caller | None:
        """Return the user, or None where nobody has logged in; raises Problem where what they send may be forged."""
        caller = _allowed(request.user, self._permission) if self.param_name in request.COOKIES else None
        if caller is not None and check_csrf(request) is not None:
            raise Problem(problem_kinds.CSRF_FAILED)
        return caller

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:  # noqa: ARG002 - ninja's own
        """Return as a call does."""
        return self(request)


def may(permission: str = VIEW) -> list[Any]:
    """Return what an operation asks for: somebody, with this permission."""
    return [Bearer(permission), Session(permission)]


def may_still_read(request: HttpRequest) -> bool:
    """Look anew whether whoever made a request, which is being answered for long, may still read."""
    anew = HttpRequest()
    anew.method, anew.META, anew.COOKIES = "GET", request.META, request.COOKIES
    anew.session = type(request.session)(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    try:
        anew.user = get_user(anew)
        return any(known(anew) is not None for known in may())
    except PermissionDenied:
        return False


def _allowed(
    user: AbstractBaseUser | AnonymousUser | None, permission: str, *, is_permitted: bool = False
) -> Caller | None:
    if not isinstance(user, User) or not user.is_active:
        return None
    # What is not given to the user directly may still be by a group, or be a superuser's.
    if not is_permitted and not user.has_perm(permission):
        raise PermissionDenied(f"The permission {permission} is needed: ask whoever runs this ledger for it.")
    if permission != VIEW and clients.is_reserved(user.get_username()):
        raise PermissionDenied("This name is one that the ledger itself records under: use another.")
    return user


def actor(request: HttpRequest) -> str:
    """Return the name under which what is done is recorded."""
    caller: Caller = request.auth  # type: ignore[attr-defined] # ninja puts there what the authenticator returned
    return caller.get_username()
