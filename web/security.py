"""Security headers on every answer; redirects to HTTPS; refusals of unknown hosts."""

import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase, HttpResponsePermanentRedirect
from django.middleware import common, csrf, security
from django.template.loader import render_to_string

from web.addresses import is_local
from web.durable_answers import FOR_PEOPLE
from web.protocol import problem_kinds
from web.protocol.problems import Problem

_logger = logging.getLogger(__name__)
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that supervisors ask by plain HTTP and by any address of this process."""
_UNKNOWN_HOST: Final = "This server does not serve the host {}, which the request names."
_ADD_IT: Final = "The operator can add it to ALLOWED_HOSTS."
_NO_NAME: Final = (
    "The header Host must be a name of letters, digits, hyphens and dots, or an address, and perhaps a port."
)
_REFUSED_FORM: Final = "This form was refused, and nothing was recorded."
_LONGEST_NAME: Final = 253
"""The most characters of a host's name."""
PERMISSIONS: Final = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "geolocation", "microphone", "payment", "publickey-credentials-get", "usb")
)


class SecurityMiddleware(security.SecurityMiddleware):
    """Django's middleware, which redirects to HTTPS, except requests sent from this machine itself."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Refuse a host that ALLOWED_HOSTS does not contain; redirect plain HTTP from other machines."""
        try:
            if request.path not in PROBES:
                request.get_host()
        except DisallowedHost as error:
            _logger.warning("%s", error)
            return _unknown_host(request)  # type: ignore[return-value] # Django's annotation knows only redirects
        return None if is_local(request) else super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Add the headers that limit what a browser may do; forbid caching unless the view allows it."""
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        return super().process_response(request, response)


def _unknown_host(request: HttpRequest) -> HttpResponse:
    """Answer a person with a page, and a machine with a problem; both name the host."""
    given = request.META.get("HTTP_HOST") or request.META["SERVER_NAME"]
    name, _port = split_domain_port(given)
    fault = _UNKNOWN_HOST.format(name or ascii(given[:_LONGEST_NAME]))
    remedy = _ADD_IT if name else _NO_NAME
    if request.path_info != "/" and not request.path_info.startswith(FOR_PEOPLE):
        return Problem(problem_kinds.BAD_REQUEST, f"{fault} {remedy}").response()
    page = render_to_string("books/unavailable.html", {"title": fault, "remedy": remedy})
    return HttpResponse(page, status=problem_kinds.BAD_REQUEST.status)


def refused_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that fails the check against forgery with a page that says why and what to do."""
    origin = _origin(request)
    remedy = "Open the page anew and send the form again."
    if reason == csrf.REASON_NO_CSRF_COOKIE:
        is_hidden = settings.CSRF_COOKIE_SECURE and not request.is_secure()
        by_https = " and use https, because HTTPS_ONLY is on" if is_hidden else ""
        remedy = f"The browser sent no cookie: allow cookies of this page{by_https}. {remedy}"
    elif origin and "trusted origins" in reason:
        fault = f"The form comes from {origin}, and the host of this server is {request.get_host()}."
        remedy = f"{fault} The operator can add that origin to CSRF_TRUSTED_ORIGINS, or let the proxy pass the host on."
    page = render_to_string("books/unavailable.html", {"title": _REFUSED_FORM, "remedy": remedy})
    return HttpResponse(page, status=HTTPStatus.FORBIDDEN)


def _origin(request: HttpRequest) -> str:
    """Return the scheme and the host of the page that a form comes from; an empty text if the browser hides it."""
    given = request.META.get("HTTP_ORIGIN") or request.META.get("HTTP_REFERER") or ""
    scheme, separator, rest = given.partition("://")
    host = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}://{host}"[:_LONGEST_NAME] if separator and host else ""


class PolicyMiddleware(CSPMiddleware):
    """The middleware of django-csp, which makes the policy of settings once and not twice for each answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        self._policy = build_policy()

    def process_request(self, request: HttpRequest) -> None:
        """Do nothing: no page has inline scripts, so none needs a nonce."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the policy; a page of DEBUG, and an answer with a policy of its own, gets what django-csp gives it."""
        if settings.DEBUG or any(name.startswith("_csp") for name in vars(response)):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self._policy)
        return response


class CommonMiddleware(common.CommonMiddleware):
    """Django's middleware, which refuses unknown hosts, except for probes: they use the address of this process."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Do what Django does, except for probes."""
        return None if request.path in PROBES else super().process_request(request)
