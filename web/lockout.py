"""People who get their password wrong too often have to wait, each at the address where that happened."""

from typing import Any

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from web import addresses


class LockOut(AxesStandaloneBackend):  # type: ignore[misc] # has no types
    """Refuses whoever is locked out; what is not asked over the web has nothing to count."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Raise PermissionDenied for those who are locked out."""
        if request is not None:
            super().authenticate(request, **credentials)


def address(request: HttpRequest) -> str:
    """Return under which address an attempt is counted."""
    return addresses.asker(str(request.META.get("REMOTE_ADDR") or ""))


def locked_out(_request: HttpRequest, _response: HttpResponse | None, _credentials: Any) -> HttpResponse:
    """Say how long to wait."""
    return too_many(int(settings.AXES_COOLOFF_TIME.total_seconds()))


def too_many(seconds: int) -> HttpResponse:
    """Return what a person is told who tried too often."""
    text = f"Too many attempts to log in. Try again in {seconds} seconds.\n"
    return HttpResponse(text, status=429, content_type="text/plain", headers={"Retry-After": str(seconds)})
