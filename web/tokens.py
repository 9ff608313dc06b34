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
import logging
from collections.abc import Callable
from dataclasses import replace
from threading import BoundedSemaphore
from typing import Final
from urllib.parse import unquote_plus

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from oauth2_provider.views import RevokeTokenView, TokenView

from web import addresses, lockout
from web.protocol import problem_kinds, problems
from web.protocol.problems import Problem
from web.protocol.query_parameters import header
from web.throttle import Budget, Throttle

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
_logger = logging.getLogger(__name__)
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
        address = addresses.network(request.META["REMOTE_ADDR"])
        budget, counted = _spend(request, address)
        if budget.retry_after_s:
            return _too_many_requests(budget)
        if not checking.acquire(blocking=False):
            return _too_many_requests(replace(budget, retry_after_s=1))
        try:
            response = answer(request)
        finally:
            checking.release()
        if response.status_code >= _FIRST_ERROR:
            _describe(response)
            for throttle, key in counted:
                throttle.failed(key)
        for name, value in budget.headers().items():
            response[name] = value
    except Exception as error:  # noqa: BLE001 - every error is answered as under /api/
        return _refused(request, error)
    return response


def _spend(request: HttpRequest, address: str) -> tuple[Budget, list[tuple[Throttle, str]]]:
    """Count a request; return the smaller budget, and what to charge if the request fails."""
    # The address is checked first: invented client ids would fill the table otherwise. It is charged last, so that
    # a client that asks too often leaves an allowance to the other clients at its address.
    budget = _BY_ADDRESS.look(address)
    if budget.retry_after_s:
        return budget, []
    client = hashlib.sha256(_client_id(request)).hexdigest()
    counted = [(_BY_CLIENT, f"{address} {client}"), (_BY_ADDRESS, address)]
    budgets = []
    for throttle, key in counted:
        budgets.append(throttle.spend(key))
        if budgets[-1].retry_after_s:
            return budgets[-1], counted
    return min(budgets, key=lambda each: each.remaining), counted


def _describe(response: HttpResponse) -> None:
    """Add a remedy to an error."""
    content = json.loads(response.content)
    remedy = _REMEDIES.get(content["error"])
    if content.get("error_description") == _NO_GRANT_TYPE:
        remedy = "grant_type is missing. Send the form grant_type=client_credentials, not JSON."
    if remedy is not None:
        response.content = json.dumps(content | {"error_description": remedy}).encode()


def _refused(request: HttpRequest, error: Exception) -> HttpResponse:
    if isinstance(error, ValueError):  # raised by a library at a value in the request
        _logger.warning("%s refused: %s", request.path, type(error).__name__)
        error = BadRequest("A value in the request cannot be read.")
    if isinstance(error, BadRequest):
        content = {"error": "invalid_request", "error_description": str(error)}
        return HttpResponse(json.dumps(content), status=400, content_type="application/json")
    return problems.handle(request, error)


def _too_many_requests(budget: Budget) -> HttpResponse:
    wait = f"Try again in {budget.retry_after_s} s."
    return Problem(
        problem_kinds.TOO_MANY_REQUESTS,
        f"{wait} A token can be reused until it expires.",
        # OAuth libraries read these two.
        {"error": "temporarily_unavailable", "error_description": f"Too many requests. {wait}"},
        headers=budget.headers(),
    ).response()


def _client_id(request: HttpRequest) -> bytes:
    """Return the client id that a request names; raises BadRequest for null characters."""
    kind, _, encoded = (header(request, "Authorization") or "").partition(" ")
    if kind.lower() != "basic":
        return str(request.POST.get("client_id", "")).encode()
    try:
        name = base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return encoded.encode()
    if "\0" in unquote_plus(name):
        raise BadRequest("The client id contains a null character.")
    return unquote_plus(name).encode()


def login(request: HttpRequest) -> HttpResponse:
    """Answer the admin's login page; an address has one allowance for all names together."""
    if request.method != "POST":
        return admin.site.login(request)
    address = addresses.network(request.META["REMOTE_ADDR"])
    budget = _LOGINS.spend(address)
    if budget.retry_after_s:
        return lockout.too_many_attempts(budget)
    if not checking.acquire(blocking=False):
        return lockout.too_many_attempts(replace(budget, retry_after_s=1))
    try:
        response = admin.site.login(request)
    finally:
        checking.release()
    if not request.user.is_authenticated:
        _LOGINS.failed(address)
    for name, value in budget.headers().items():
        response[name] = value
    return response
