"""Security headers on every answer; redirects to HTTPS; refusals of unknown hosts and of bodies that are too large."""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, HttpResponsePermanentRedirect
from django.middleware import common, security

from web.addresses import is_local
from web.protocol import problems

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that supervisors ask by plain HTTP and by any address of this process."""
PERMISSIONS: Final = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "geolocation", "microphone", "payment", "publickey-credentials-get", "usb")
)


class SecurityMiddleware(security.SecurityMiddleware):
    """Django's middleware, which redirects to HTTPS, except requests sent from this machine itself."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Redirect plain HTTP from other machines."""
        return None if is_local(request) else super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Add the headers that limit what a browser may do; forbid caching unless the view allows it."""
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        return super().process_response(request, response)


class CommonMiddleware(common.CommonMiddleware):
    """Django's middleware, which refuses unknown hosts, except for probes: they use the address of this process."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Refuse a host that ALLOWED_HOSTS does not contain."""
        return None if request.path in PROBES else super().process_request(request)


class BodyMiddleware:
    """Refuses a body that is too large before it is read. Django itself sets no limit on files in a form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer 413 if Content-Length is above the limit. Django reads no body without a Content-Length."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length[:20]) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return problems.of(RequestDataTooBig()).response()
        return self._get_response(request)
