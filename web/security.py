"""What every answer says about how it may be used, and which requests must come by HTTPS or under a known name."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponsePermanentRedirect
from django.middleware import common, security

from web.addresses import is_local

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What supervisors ask, by plain HTTP and by whatever address they know this process."""
PERMISSIONS: Final = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "geolocation", "microphone", "payment", "publickey-credentials-get", "usb")
)


class SecurityMiddleware(security.SecurityMiddleware):
    """Django's, which redirects to HTTPS, but not what was sent on this machine itself."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Redirect what comes from elsewhere by plain HTTP."""
        return None if is_local(request) else super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Say what a browser may do with the answer, and that nobody keeps it unless it says otherwise."""
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        return super().process_response(request, response)


class CommonMiddleware(common.CommonMiddleware):
    """Django's, which refuses unknown host names, but not of probes: they name the address of this process."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Refuse a host that is not allowed."""
        return None if request.path in PROBES else super().process_request(request)
