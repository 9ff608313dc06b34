"""/o/token/, /o/revoke_token/ and the login page: where secrets are checked, and so may be tried only so often.

# Note [Counted before hashed]
To check a secret takes most of a second of a processor on purpose. So a request is counted before its secret is looked
at: by the address, and by the client at that address. Never by the client alone, or else anybody could use up the
allowance of a client whose id he knows. And whoever asks, checking takes no more than half of the server's threads.
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
_SAID: Final = {
    # Whether it was the id or the secret is not told.
    "invalid_client": "The id or the secret is missing or wrong. Send both by HTTP Basic, or as client_id and"
    " client_secret in the form; whoever runs this ledger can renew the secret.",
    "invalid_scope": "There is no such scope. Leave scope out, or send scope=ledger.",
    "unauthorized_client": "This client may get no token by client credentials. Use one that create_api_client made.",
    "unsupported_grant_type": "There is no such grant here. Send grant_type=client_credentials.",
}
"""What is said of the errors of RFC 6749 of which oauthlib says nothing."""
_NO_GRANT_TYPE: Final = "Request is missing grant type."
_BY_ADDRESS: Final = Throttle("token", lambda: settings.TOKEN_REQUESTS_PER_MINUTE)
_BY_CLIENT: Final = Throttle("client", lambda: max(1, settings.TOKEN_REQUESTS_PER_MINUTE // 2))
_LOGINS: Final = Throttle("login", lambda: settings.TOKEN_REQUESTS_PER_MINUTE)
checking: Final = BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


class Token(TokenView):  # type: ignore[misc] # has no types
    """Gives a client a token for its id and secret; client credentials are the only grant there is."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Answer as RFC 6749 says, or that it was too often."""
        return _counted(request, self.authorization_flow_token_response)


class Revoke(RevokeTokenView):  # type: ignore[misc] # has no types
    """Ends a token before its time."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Answer as RFC 7009 says, or that it was too often."""
        return _counted(request, super().post)


def _counted(request: HttpRequest, answer: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
    try:
        client = hashlib.sha256(_client(request)).hexdigest()
        address = addresses.asker(request.META["REMOTE_ADDR"])
        counted = [(_BY_CLIENT, f"{address} {client}"), (_BY_ADDRESS, address)]
        # The address is looked at first, or else made-up clients would fill the table; it is charged last, so that a
        # client which asks too often leaves something to the others there.
        seconds = _BY_ADDRESS.wait(address) or next(filter(None, (each.spend(asker) for each, asker in counted)), 0)
        if seconds or not checking.acquire(blocking=False):
            return _too_often(seconds or 1).response()
        try:
            response = answer(request)
        finally:
            checking.release()
        if response.status_code >= _FIRST_ERROR:
            _describe(response)
            for throttle, asker in counted:
                throttle.failed(asker)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is answered as under /api/
        return _refused(request, error)
    return response


def _describe(response: HttpResponse) -> None:
    """Let an error say what to do about it."""
    told = json.loads(response.content)
    said = _SAID.get(told["error"])
    if told.get("error_description") == _NO_GRANT_TYPE:
        said = "There is no grant_type. Send the form grant_type=client_credentials, not JSON."
    if said is not None:
        response.content = json.dumps(told | {"error_description": said}).encode()


def _refused(request: HttpRequest, error: Exception) -> HttpResponse:
    unreadable = isinstance(error, (SuspiciousOperation, MultiPartParserError, UnicodeError))
    if unreadable and not isinstance(error, RequestDataTooBig):
        content = {"error": "invalid_request", "error_description": "The body is not a form as it must be."}
        return HttpResponse(json.dumps(content), status=400, content_type="application/json")
    return problems.handler(request, error)


def _too_often(seconds: int) -> Problem:
    return Problem(
        problem_kinds.TOO_MANY_REQUESTS,
        f"Try again in {seconds} s. A token may be used again and again until it expires.",
        # What a library for OAuth looks for.
        {"error": "temporarily_unavailable", "error_description": f"Too many requests; try again in {seconds} s."},
        headers={"Retry-After": str(seconds)},
    )


def _client(request: HttpRequest) -> bytes:
    """Return the id of the client that a request says that it is from; raises SuspiciousOperation for null bytes."""
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
    """Answer the login page of the admin, at which an address may try only so often, under whatever names."""
    if request.method != "POST":
        return admin.site.login(request)
    asker = addresses.asker(request.META["REMOTE_ADDR"])
    seconds = _LOGINS.spend(asker)
    if seconds or not checking.acquire(blocking=False):
        return lockout.too_many(seconds or 1)
    try:
        response = admin.site.login(request)
    finally:
        checking.release()
    if not request.user.is_authenticated:
        _LOGINS.failed(asker)
    return response
