"""/o/token/, /o/revoke_token/ and the login page. They check secrets, so attempts are limited.

# Note [Counted before hashed]
Checking a secret takes most of a second of a processor, on purpose. So a request is counted before its secret is
checked: by address, and by client and address together. It is never counted by client alone: anybody who knows a
client's id could use up its allowance. All checks together use at most half of the server's threads.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Final
from urllib.parse import unquote_plus

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from oauth2_provider.views import RevokeTokenView, TokenView

from web import addresses, lockout
from web.protocol import problem_kinds, problems
from web.protocol.problems import Problem
from web.throttle import Throttle

_FIRST_ERROR: Final = 400
_REMEDIES: Final = {
    # It does not say which of the two is wrong: that would confirm a guessed id.
    "invalid_client": "The id or the secret is missing or wrong. Send both by HTTP Basic, or as client_id and"
    " client_secret in the form; the operator of this ledger can renew the secret.",
    "invalid_scope": "The scope is unknown. Leave scope out, or send scope=ledger.",
    "unauthorized_client": "This client may not use client credentials. Use a client that create_api_client made.",
    "unsupported_grant_type": "The grant type is not supported. Send grant_type=client_credentials.",
}
"""Descriptions for the errors of RFC 6749 that oauthlib does not describe."""
_NO_GRANT_TYPE: Final = "Request is missing grant type."
_BY_ADDRESS: Final = Throttle("token", lambda: settings.TOKEN_REQUESTS_PER_MINUTE)
_BY_CLIENT: Final = Throttle("client", lambda: max(1, settings.TOKEN_REQUESTS_PER_MINUTE // 2))
_LOGINS: Final = Throttle("login", lambda: settings.TOKEN_REQUESTS_PER_MINUTE)
checking: Final = BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


class Token(TokenView):  # type: ignore[misc] # has no types
    """Issues a token for a client's id and secret; client credentials are the only grant type."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Answer as RFC 6749 says, or 429 if the client asks too often."""
        return _throttled(request, self.authorization_flow_token_response)


class Revoke(RevokeTokenView):  # type: ignore[misc] # has no types
    """Revokes a token before it expires."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Answer as RFC 7009 says, or 429 if the client asks too often."""
        return _throttled(request, super().post)


def _throttled(request: HttpRequest, answer: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
    # See Note [Counted before hashed]
    try:
        client = hashlib.sha256(_client(request)).hexdigest()
        address = addresses.network(request.META["REMOTE_ADDR"])
        counted = [(_BY_CLIENT, f"{address} {client}"), (_BY_ADDRESS, address)]
        # The address is checked first: invented client ids would fill the table otherwise. It is charged last, so that
        # a client that asks too often leaves an allowance to the other clients at its address.
        seconds = _BY_ADDRESS.wait(address) or next(filter(None, (each.spend(key) for each, key in counted)), 0)
        if seconds or not checking.acquire(blocking=False):
            return _too_many_requests(seconds or 1).response()
        try:
            response = answer(request)
        finally:
            checking.release()
        if response.status_code >= _FIRST_ERROR:
            _describe(response)
            for throttle, key in counted:
                throttle.failed(key)
    except Exception as error:  # noqa: BLE001 - every error is answered as under /api/
        return _refused(request, error)
    return response


def _describe(response: HttpResponse) -> None:
    """Add a remedy to an error."""
    content = json.loads(response.content)
    remedy = _REMEDIES.get(content["error"])
    if content.get("error_description") == _NO_GRANT_TYPE:
        remedy = "grant_type is missing. Send the form grant_type=client_credentials, not JSON."
    if remedy is not None:
        response.content = json.dumps(content | {"error_description": remedy}).encode()


def _refused(request: HttpRequest, error: Exception) -> HttpResponse:
    unreadable = isinstance(error, (SuspiciousOperation, MultiPartParserError, UnicodeError))
    if unreadable and not isinstance(error, RequestDataTooBig):
        content = {"error": "invalid_request", "error_description": "The body cannot be read as a form."}
        return HttpResponse(json.dumps(content), status=400, content_type="application/json")
    return problems.handle(request, error)


def _too_many_requests(seconds: int) -> Problem:
    return Problem(
        problem_kinds.TOO_MANY_REQUESTS,
        f"Try again in {seconds} s. A token can be reused until it expires.",
        # OAuth libraries read these two.
        {"error": "temporarily_unavailable", "error_description": f"Too many requests; try again in {seconds} s."},
        headers={"Retry-After": str(seconds)},
    )


def _client(request: HttpRequest) -> bytes:
    """Return the client id that a request names; raises SuspiciousOperation for null bytes."""
    for values in request.POST.lists():
        if any("\0" in text for text in (values[0], *values[1])):
            raise SuspiciousOperation
    kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return str(request.POST.get("client_id", "")).encode()
    try:
        name = base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return encoded.encode()
    if "\0" in unquote_plus(name):
        raise SuspiciousOperation
    return unquote_plus(name).encode()


def login(request: HttpRequest) -> HttpResponse:
    """Answer the admin's login page; an address has one allowance for all names together."""
    if request.method != "POST":
        return admin.site.login(request)
    address = addresses.network(request.META["REMOTE_ADDR"])
    seconds = _LOGINS.spend(address)
    if seconds or not checking.acquire(blocking=False):
        return lockout.too_many_attempts(seconds or 1)
    try:
        response = admin.site.login(request)
    finally:
        checking.release()
    if not request.user.is_authenticated:
        _LOGINS.failed(address)
    return response
