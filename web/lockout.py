"""After too many wrong passwords, a name must wait before it can log in from the same address again."""

from typing import Any

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from web import addresses


class LockOut(AxesStandaloneBackend):  # type: ignore[misc] # has no types
    """Refuses a name and address that are locked out. Log-ins without a request, as in a shell, are not counted."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Raise PermissionDenied if the name is locked out at the address."""
        if request is not None:
            super().authenticate(request, **credentials)


def address(request: HttpRequest) -> str:
    """Return the address that an attempt is counted under."""
    return addresses.network(str(request.META.get("REMOTE_ADDR") or ""))


def locked_out(_request: HttpRequest, _response: HttpResponse | None, _credentials: Any) -> HttpResponse:
    """Answer a log-in that is locked out."""
    return too_many_attempts(int(settings.AXES_COOLOFF_TIME.total_seconds()))


def too_many_attempts(seconds: int) -> HttpResponse:
    """Answer 429, with the seconds to wait."""
    text = f"Too many attempts to log in. Try again in {seconds} seconds.\n"
    return HttpResponse(text, status=429, content_type="text/plain", headers={"Retry-After": str(seconds)})
