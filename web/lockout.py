"""After too many wrong passwords, a name must wait before it can log in from the same address again."""

from collections.abc import Mapping
from typing import Any, Final

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from web import addresses
from web.throttle import Budget

_LONGEST_NAME: Final = 255


class LockOut(AxesStandaloneBackend):  # type: ignore[misc] # has no types
    """Refuses a name and address that are locked out. Log-ins without a request, as in a shell, are not counted."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Raise PermissionDenied if the name is locked out at the address."""
        if request is not None:
            super().authenticate(request, **credentials)


def address(request: HttpRequest) -> str | None:
    """Return the address that an attempt is counted under; axes stores one address, or null for a Unix socket.

    For IPv6 it is the first address of the client's network.
    """
    return addresses.network(str(request.META.get("REMOTE_ADDR") or "")).partition("/")[0] or None


def username(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the name that an attempt is counted under, cut to what axes can store; no user's name is longer."""
    return str((credentials or request.POST).get("username", ""))[:_LONGEST_NAME]


def locked_out(_request: HttpRequest, _response: HttpResponse | None, _credentials: Any) -> HttpResponse:
    """Answer a log-in that is locked out."""
    return _too_many_attempts(int(settings.AXES_COOLOFF_TIME.total_seconds()), {})


def too_many_attempts(budget: Budget) -> HttpResponse:
    """Answer 429, with the seconds to wait."""
    return _too_many_attempts(budget.retry_after_s, budget.headers())


def _too_many_attempts(seconds: int, headers: dict[str, str]) -> HttpResponse:
    text = f"Too many attempts to log in. Try again in {seconds} seconds.\n"
    return HttpResponse(text, status=429, content_type="text/plain", headers={**headers, "Retry-After": str(seconds)})
