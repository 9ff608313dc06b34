"""Every answer that says no, as application/problem+json (RFC 9457): one table from what went wrong to what is told."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from ninja.errors import AuthenticationError, HttpError, ValidationError

from eventstore.errors import EventStoreError, IdempotencyKeyReused, OutcomeUnknown, WrongExpectedVersion
from eventstore.runtime.outages import is_outage
from ledger.rules.refusals.base import Conflicting, Refusal
from ledger.rules.refusals.inputs import InvalidInput
from web.protocol import problem_kinds
from web.protocol.json_pointers import json_pointer
from web.protocol.json_values import plain
from web.protocol.problem_kinds import Kind

CONTENT_TYPE: Final = "application/problem+json"
MOST_FAULTS: Final = 100
"""How many faults are told at once."""
FIRST_PROBLEM: Final = 400
INTERNAL_ERROR: Final = 500
_OWN: Final = frozenset({"type", "title", "status", "detail", "instance", "errors"})
_RETRY_AFTER_S: Final = 1
_CHALLENGE: Final = 'Bearer realm="Daybook"'
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a body: where, as in RFC 6901, and what."""

    pointer: str
    detail: str


@dataclass(eq=False)
class Problem(Exception):
    """An answer that says no; raised by views, and made of whatever else they raise."""

    kind: Kind
    detail: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)
    errors: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self.kind.status

    def response(self) -> HttpResponse:
        """Return it as HTTP."""
        content: dict[str, Any] = {
            "type": self.kind.slug,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail or self.kind.remedy,
            **{name: plain(value) for name, value in self.members.items()},
        }
        if self.errors:
            content["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in self.errors]
        return HttpResponse(json.dumps(content), status=self.status, content_type=CONTENT_TYPE, headers=self.headers)


def not_found(detail: str) -> Problem:
    """Say that the uuid in a GET's path is of nothing."""
    return Problem(problem_kinds.NOT_FOUND, detail)


def invalid(*faults: Fault) -> Problem:
    """Say what is wrong with a body or a query, and where."""
    first, more = faults[0], len(faults) - 1
    place = f"{first.pointer}: " if first.pointer else ""
    detail = f"{place}{first.detail}" + (f", and {more} more." if more else ".")
    return Problem(problem_kinds.INVALID, f"{detail} /api/docs has the form.", errors=faults)


def kind_of(refusal: type[Refusal]) -> Kind:
    """Return how a refusal is told."""
    status = 409 if issubclass(refusal, Conflicting) else 422
    title = (refusal.__doc__ or refusal.slug).splitlines()[0].rstrip(".")
    return Kind(refusal.slug, status, title, refusal.remedy, tuple(_members(refusal).values()))


def _members(refusal: type[Refusal]) -> dict[str, str]:
    """Return by the name of each figure that of its member: `status` is every problem's own, so say whose it is."""
    names = [one.name for one in fields(refusal)]
    return {name: f"{names[0].removesuffix('_uuid')}_{name}" if name in _OWN else name for name in names}


def refused(refusal: Refusal, pointer: str | None = None) -> Problem:
    """Say which rule refused, with its figures, and where in the command the fault is, if it is in one place."""
    sentence = str(refusal)
    faults = () if pointer is None else (Fault(pointer, f"{sentence[:1].lower()}{sentence[1:].rstrip('.')}"),)
    members = {name: refusal.facts[figure] for figure, name in _members(type(refusal)).items()}
    return Problem(kind_of(type(refusal)), f"{sentence} {refusal.remedy}", members, faults)


def of(error: Exception, *, authorization: str | None = None) -> Problem:
    """Return what is told of an error; `authorization` is the request's header, if it came with one."""
    cause = error.__cause__
    match error:
        case Problem():
            return error
        case HttpError() if isinstance(cause, Problem):
            return cause
        case AuthenticationError():
            return _unauthenticated(authorization)
        case ValidationError():
            return _invalid(error)
        case InvalidInput():
            return invalid(Fault(error.pointer, error.reason))
        case Refusal():
            return refused(error)
        case OperationalError() | InterfaceError() if is_outage(error):
            return _unavailable(problem_kinds.DATABASE_AWAY)
        case HttpError():
            return of_status(error.status_code)
        case _:
            tell = next((tell for kind, tell in _TOLD.items() if isinstance(error, kind)), _unexpected)
            return tell(error)


def of_status(status: int) -> Problem:
    """Return what is told where no more is known than the status that Django or ninja would have answered."""
    return Problem(_BY_STATUS.get(status, problem_kinds.BAD_REQUEST))


def _unexpected(_error: Exception) -> Problem:
    return Problem(problem_kinds.INTERNAL_ERROR)


def _unauthenticated(authorization: str | None) -> Problem:
    if authorization is None:
        return Problem(problem_kinds.UNAUTHENTICATED, headers={"WWW-Authenticate": _CHALLENGE})
    if authorization.split(" ")[0].lower() != "bearer":
        # What was sent is not repeated: where the word is missing, it is the token.
        detail = (
            "A token must be sent as Authorization: Bearer TOKEN, with that word before it; get one at POST /o/token/."
        )
        return Problem(problem_kinds.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": _CHALLENGE})
    detail = "The token is unknown, expired or revoked, or its client not let in: get a new one at POST /o/token/."
    return Problem(
        problem_kinds.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'}
    )


def _too_large(_error: Exception) -> Problem:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    fault = Fault("", f"it is longer than {limit} bytes")
    return Problem(problem_kinds.TOO_LARGE, f"A body has at most {limit} bytes.", {"limit_bytes": limit}, [fault])


def _invalid(error: ValidationError) -> Problem:
    if any(tuple(one["loc"]) == ("body", "body") and one["type"] == "missing" for one in error.errors):
        return Problem(problem_kinds.NOT_JSON, f"The body is empty. {problem_kinds.NOT_JSON.remedy}")
    faults = [Fault(_pointer(one["loc"]), _reason(one)) for one in error.errors[:MOST_FAULTS]]
    return invalid(*faults)


_TOLD: Final[dict[type[Exception], Callable[[Exception], Problem]]] = {
    IdempotencyKeyReused: lambda _: Problem(problem_kinds.KEY_REUSED),
    WrongExpectedVersion: lambda _: Problem(problem_kinds.CONFLICT),
    OutcomeUnknown: lambda _: _unavailable(problem_kinds.OUTCOME_UNKNOWN),
    PermissionDenied: lambda error: Problem(problem_kinds.FORBIDDEN, str(error)),
    Http404: lambda error: not_found(str(error)),
    RequestDataTooBig: _too_large,
    SuspiciousOperation: lambda _: Problem(problem_kinds.BAD_REQUEST),
    UnreadablePostError: lambda _: Problem(
        problem_kinds.BAD_REQUEST, "The body did not arrive whole. Nothing was recorded."
    ),
}

_BY_STATUS: Final = {
    kind.status: kind
    for kind in (
        problem_kinds.NOT_JSON,
        problem_kinds.FORBIDDEN,
        problem_kinds.METHOD_NOT_ALLOWED,
        problem_kinds.TOO_MANY_REQUESTS,
    )
}

# The base of all stands last: ninja looks for the nearest class.
HANDLED: Final[tuple[type[Exception], ...]] = (
    Problem,
    HttpError,
    ValidationError,
    Refusal,
    EventStoreError,
    AuthenticationError,
    PermissionDenied,
    SuspiciousOperation,
    UnreadablePostError,
    Http404,
    OperationalError,
    InterfaceError,
    Exception,
)


def handler(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer an error; what nobody expected is noted, and nothing of it is told."""
    problem = of(error, authorization=request.headers.get("Authorization"))
    if problem.kind is problem_kinds.INVALID and request.method == "POST":  # a query records nothing anyway
        problem = replace(problem, detail=f"{problem.detail} Nothing was recorded.")
    if problem.kind is problem_kinds.NOT_JSON and "Transfer-Encoding" in request.headers:
        problem = Problem(problem_kinds.NOT_JSON, "The body came in chunks: send it whole, with a Content-Length.")
    if problem.kind is problem_kinds.INTERNAL_ERROR:
        _logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem.response()


def _unavailable(kind: Kind) -> Problem:
    return Problem(kind, headers={"Retry-After": str(_RETRY_AFTER_S)})


def _pointer(place: Sequence[str | int]) -> str:
    """Return where in the body, without what ninja puts before it: the kind of parameter and its name."""
    kind, *rest = place
    parts = rest[1:] if kind == "body" else rest
    return json_pointer(*parts)


_REASONS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "missing": lambda _: "it is missing",
    "extra_forbidden": lambda _: "there is no such field",
    "string_type": lambda _: "it is not a text",
    "int_type": lambda _: "it is not a whole number",
    "tuple_type": lambda _: "it is not a list",
    "model_type": lambda _: "it is not an object",
    "model_attributes_type": lambda _: "it is not an object",
    "literal_error": lambda error: f"it is not {error['ctx']['expected']}",
    "enum": lambda error: f"it is not {error['ctx']['expected']}",
    "value_error": lambda error: str(error["ctx"]["error"]) if "ctx" in error else str(error["msg"]),
}


def _reason(error: Mapping[str, Any]) -> str:
    tell = _REASONS.get(error["type"])
    return str(error["msg"]) if tell is None else tell(error)
