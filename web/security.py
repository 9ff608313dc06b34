"""What every answer says about how it may be used, and which requests must come by HTTPS or under a known name."""

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


class BodyMiddleware:
    """Refuses what is longer than any body may be before it is read: files of a form have no limit of Django's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, unless it is too long; what comes in chunks, and so tells no length, is no body to Django."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length[:20]) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return problems.of(RequestDataTooBig()).response()
        return self._get_response(request)
