"""Who asks, and what they may: a machine by its bearer token, or a person by the admin's session."""

import hashlib
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from ninja.security import HttpBearer, SessionAuth
from ninja.utils import check_csrf
from oauth2_provider.models import get_access_token_model

from ledger import clients
from ledger.api import kinds
from ledger.api.problems import Problem
from ledger.names import VIEW

Caller = User
_LONGEST_TOKEN: Final = 512


class Bearer(HttpBearer):
    """A token that an API client has got at /o/token/; it acts as the client's own user."""

    def __init__(self, permission: str) -> None:
        super().__init__()
        self._permission = permission

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """Return the client's user, or None where the token is unknown, expired or revoked."""
        if len(token) > _LONGEST_TOKEN:
            return None
        checksum = hashlib.sha256(token.encode()).hexdigest()
        found = (
            get_access_token_model()
            .objects.select_related("application__user")
            .filter(token_checksum=checksum, application__isnull=False)
            .first()
        )
        if found is None or not found.is_valid([]) or not found.application.is_usable(request):
            return None
        return _allowed(found.application.user, self._permission)


class Session(SessionAuth):
    """The session of somebody who has logged in to the admin; what changes anything is checked for CSRF."""

    def __init__(self, permission: str) -> None:
        super().__init__()
        self._permission = permission

    def __call__(self, request: HttpRequest) -> Caller | None:
        """Return the user, or None where nobody has logged in; raises Problem where what they send may be forged."""
        caller = _allowed(request.user, self._permission) if self.param_name in request.COOKIES else None
        if caller is not None and check_csrf(request) is not None:
            raise Problem(kinds.CSRF_FAILED)
        return caller

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:  # noqa: ARG002 - ninja's own
        """Return as a call does."""
        return self(request)


def may(permission: str = VIEW) -> list[Any]:
    """Return what an operation asks for: somebody, with this permission."""
    return [Bearer(permission), Session(permission)]


def _allowed(user: AbstractBaseUser | AnonymousUser | None, permission: str) -> Caller | None:
    if not isinstance(user, User) or not user.is_active:
        return None
    if not user.has_perm(permission):
        raise PermissionDenied(f"The permission {permission} is needed: ask whoever runs this ledger for it.")
    if permission != VIEW and clients.is_reserved(user.get_username()):
        raise PermissionDenied("This name is one that the ledger itself records under: use another.")
    return user


def actor(request: HttpRequest) -> str:
    """Return the name under which what is done is recorded."""
    caller: Caller = request.auth  # type: ignore[attr-defined] # ninja puts there what the authenticator returned
    return caller.get_username()
