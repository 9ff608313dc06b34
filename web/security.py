"""Security headers on every answer; redirects to HTTPS; refusals of unknown hosts."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponsePermanentRedirect
from django.middleware import common, security

from web.addresses import is_local

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
