"""Every answer that says no, as application/problem+json (RFC 9457): one table from what went wrong to what is told."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, ValidationError

from eventstore.errors import EventStoreError, IdempotencyKeyReused, OutcomeUnknown, WrongExpectedVersion
from eventstore.outages import is_outage
from ledger.api.plain import plain
from ledger.errors import Conflicting, Refusal

CONTENT_TYPE: Final = "application/problem+json"
FIRST_PROBLEM: Final = 400
INTERNAL_ERROR: Final = 500
_RETRY_AFTER_S: Final = 1
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a body: where, as in RFC 6901, and what."""

    pointer: str
    detail: str


@dataclass(eq=False)
class Problem(Exception):
    """An answer that says no; raised by views, and made of whatever else they raise."""

    status: int
    slug: str
    title: str
    detail: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)
    errors: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> HttpResponse:
        """Return it as HTTP."""
        content: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            **{name: plain(value) for name, value in self.members.items()},
        }
        if self.errors:
            content["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in self.errors]
        return HttpResponse(json.dumps(content), status=self.status, content_type=CONTENT_TYPE, headers=self.headers)


def not_found(detail: str) -> Problem:
    """Say that the uuid in a GET's path is of nothing."""
    return Problem(404, "not-found", "There is no such thing", detail)


def invalid(*faults: Fault) -> Problem:
    """Say what is wrong with a body or a query, and where."""
    return Problem(422, "invalid-input", "The request does not have the form that it must have", errors=faults)


def of(error: Exception) -> Problem:
    """Return what is told of an error."""
    cause = error.__cause__
    match error:
        case Problem():
            return error
        case HttpError() if isinstance(cause, Problem):
            return cause
        case HttpError() if isinstance(cause, RequestDataTooBig):
            return Problem(413, "body-too-large", "The body is too large")
        case HttpError():
            return Problem(error.status_code, _SLUGS.get(error.status_code, "refused"), str(error))
        case ValidationError():
            return invalid(*(Fault(_pointer(one["loc"]), _reason(one)) for one in error.errors))
        case Refusal():
            status = 409 if isinstance(error, Conflicting) else 422
            return Problem(status, error.slug, _title(error), str(error), error.facts)
        case OperationalError() | InterfaceError() if is_outage(error):
            return _unavailable("database-away", "The database is away; try again")
        case _:
            tell = next((tell for kind, tell in _TOLD.items() if isinstance(error, kind)), _unexpected)
            return tell(error)


def _unexpected(_error: Exception) -> Problem:
    return Problem(INTERNAL_ERROR, "internal-error", "Something went wrong within; it was noted")


def _unauthenticated(_error: Exception) -> Problem:
    challenge = {"WWW-Authenticate": 'Bearer realm="Daybook"'}
    return Problem(401, "unauthenticated", "A valid bearer token or a session is needed", headers=challenge)


def _forbidden(error: Exception) -> Problem:
    return Problem(403, "forbidden", "You may not do this", str(error))


_TOLD: Final[dict[type[Exception], Callable[[Exception], Problem]]] = {
    IdempotencyKeyReused: lambda _: Problem(
        422, "idempotency-key-reused", "The key was used before, for something else"
    ),
    WrongExpectedVersion: lambda _: Problem(409, "conflict", "Too much happened to this at the same moment; try again"),
    OutcomeUnknown: lambda _: _unavailable(
        "outcome-unknown", "Whether it was recorded is unknown: repeat it with the same key"
    ),
    AuthenticationError: _unauthenticated,
    AuthorizationError: _forbidden,
    PermissionDenied: _forbidden,
    Http404: lambda error: not_found(str(error)),
}

_SLUGS: Final = {400: "not-json", 403: "forbidden", 405: "method-not-allowed", 429: "too-many-requests"}

# The base of all stands last: ninja looks for the nearest class.
HANDLED: Final[tuple[type[Exception], ...]] = (
    Problem,
    HttpError,
    ValidationError,
    Refusal,
    EventStoreError,
    AuthenticationError,
    AuthorizationError,
    PermissionDenied,
    Http404,
    OperationalError,
    InterfaceError,
    Exception,
)


def handler(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer an error; what nobody expected is noted, and nothing of it is told."""
    problem = of(error)
    if problem.status == INTERNAL_ERROR:
        _logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem.response()


def _unavailable(slug: str, title: str) -> Problem:
    return Problem(503, slug, title, headers={"Retry-After": str(_RETRY_AFTER_S)})


def _title(refusal: Refusal) -> str:
    return (type(refusal).__doc__ or refusal.slug).splitlines()[0].rstrip(".")


def _pointer(place: Sequence[str | int]) -> str:
    """Return where in the body, without what ninja puts before it: the kind of parameter and its name."""
    kind, *rest = place
    parts = rest[1:] if kind == "body" else rest
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


_REASONS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "missing": lambda _: "it is missing",
    "extra_forbidden": lambda _: "there is no such field",
    "string_type": lambda _: "it is not a text",
    "value_error": lambda error: str(error["ctx"]["error"]) if "ctx" in error else str(error["msg"]),
}


def _reason(error: Mapping[str, Any]) -> str:
    tell = _REASONS.get(error["type"])
    return str(error["msg"]) if tell is None else tell(error)
