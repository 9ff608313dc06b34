"""Errors as application/problem+json (RFC 9457): one table says which problem answers which error."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from ninja.errors import AuthenticationError, HttpError, ValidationError

from eventstore.errors import EventStoreError, IdempotencyKeyReused, NotDurable, OutcomeUnknown, WrongExpectedVersion
from eventstore.json_values import to_json
from eventstore.runtime.outages import is_outage, says_read_only
from eventstore.runtime.sqlite_files import file_fault
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.inputs import InvalidInput
from web.protocol import problem_kinds
from web.protocol.json_pointers import json_pointer
from web.protocol.problem_kinds import ProblemKind, kind_of, members_of

CONTENT_TYPE: Final = "application/problem+json"
MAX_FAULTS: Final = 100
"""How many faults one problem lists."""
_FAULTS_IN_DETAIL: Final = 5
FIRST_PROBLEM: Final = 400
SERVER_ERROR_STATUS: Final = 500
_RETRY_AFTER_S: Final = 1
_CHALLENGE: Final = 'Bearer realm="Daybook"'
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a body or a query: its place as a JSON pointer, and what is wrong."""

    pointer: str
    detail: str


@dataclass(eq=False)
class Problem(Exception):
    """An error response. Views raise it; other errors are converted to it."""

    kind: ProblemKind
    detail: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)
    errors: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The status of the response."""
        return self.kind.status

    @property
    def text(self) -> str:
        """What is wrong, and what to do."""
        return self.detail or self.kind.remedy

    def content(self) -> dict[str, Any]:
        """Return the members of the problem, as JSON has them."""
        content: dict[str, Any] = {
            "type": self.kind.slug,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.text,
            **{name: to_json(value) for name, value in self.members.items()},
        }
        if self.errors:
            content["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in self.errors]
        return content

    def response(self) -> HttpResponse:
        """Return the problem as a response."""
        return HttpResponse(
            json.dumps(self.content()), status=self.status, content_type=CONTENT_TYPE, headers=self.headers
        )


def not_found(detail: str) -> Problem:
    """Return the problem of a path whose uuid or position names nothing."""
    return Problem(problem_kinds.NOT_FOUND, detail)


def invalid(*faults: Fault) -> Problem:
    """Return the problem of a body or a query with these faults; its detail names the first few."""
    named = [f"{fault.pointer}: {fault.detail}" if fault.pointer else fault.detail for fault in faults]
    detail, more = "; ".join(named[:_FAULTS_IN_DETAIL]), len(named) - _FAULTS_IN_DETAIL
    if more > 0:
        detail += f"; and {more} more"
    return Problem(problem_kinds.INVALID, f"{detail}. /api/docs has the schema.", errors=faults)


def refused(refusal: Refusal, pointer: str | None = None) -> Problem:
    """Return the problem of a refusal, with its figures, and the place of the fault if it is in one field."""
    sentence = str(refusal)
    faults = () if pointer is None else (Fault(pointer, f"{sentence[:1].lower()}{sentence[1:].rstrip('.')}"),)
    members = {name: refusal.facts[figure] for figure, name in members_of(type(refusal)).items()}
    return Problem(kind_of(type(refusal)), f"{sentence} {refusal.remedy}", members, faults)


def of_status(status: int) -> Problem:
    """Return the problem of an error of which only the status is known."""
    return Problem(_KIND_OF_STATUS.get(status, problem_kinds.BAD_REQUEST))


def of(error: Exception, *, authorization: str | None = None) -> Problem:
    """Return the problem of an error; `authorization` is the request's header, if it has one."""
    match error:
        case Problem():
            return error
        case AuthenticationError():
            return _unauthenticated(authorization)
        case _:
            convert = next((convert for kind, convert in _CONVERSIONS.items() if isinstance(error, kind)), _unexpected)
            return convert(error)


def _unexpected(_error: Exception) -> Problem:
    return Problem(problem_kinds.INTERNAL_ERROR)


def _http_error(error: HttpError) -> Problem:
    # A parser's problem is the cause of the error that ninja raises.
    return error.__cause__ if isinstance(error.__cause__, Problem) else of_status(error.status_code)


def _database_error(error: Exception) -> Problem:
    fault = reported_file_fault(error)
    is_away = is_outage(error) or says_read_only(error) or file_fault(error) is not None
    return _unavailable(problem_kinds.DATABASE_AWAY, fault) if is_away else _unexpected(error)


def _unavailable(kind: ProblemKind, fault: str = "") -> Problem:
    detail = fault and f"{kind.remedy} {fault}"
    return Problem(kind, detail, headers={"Retry-After": str(_RETRY_AFTER_S)})


def reported_file_fault(error: Exception) -> str:
    """Log what is wrong with the file of a database, if that is the error; return it for the answer in DEBUG only."""
    fault = file_fault(error)
    if fault is None:
        return ""
    _logger.warning("%s", fault)
    return f"{str(fault)[0].upper()}{str(fault)[1:]}." if settings.DEBUG else ""


def _unauthenticated(authorization: str | None) -> Problem:
    if authorization is None:
        return Problem(problem_kinds.UNAUTHENTICATED, headers={"WWW-Authenticate": _CHALLENGE})
    if authorization.split(" ")[0].lower() != "bearer":
        # The header is not repeated: without the word Bearer, it is the token itself.
        detail = "The header must be Authorization: Bearer TOKEN, with the word Bearer. Get a token at POST /o/token/."
        return Problem(problem_kinds.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": _CHALLENGE})
    detail = "The token is unknown, expired or revoked, or its client is not active. Get a new one at POST /o/token/."
    return Problem(
        problem_kinds.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'}
    )


def too_large(limit: int) -> Problem:
    """Return the problem of a body that is larger than it may be."""
    fault = Fault("", f"must have at most {limit} bytes")
    return Problem(problem_kinds.TOO_LARGE, f"A body has at most {limit} bytes.", {"limit_bytes": limit}, [fault])


def _invalid(error: ValidationError) -> Problem:
    if any(tuple(one["loc"]) == ("body", "body") and one["type"] == "missing" for one in error.errors):
        return Problem(problem_kinds.NOT_JSON, f"The body is empty. {problem_kinds.NOT_JSON.remedy}")
    faults = [Fault(_pointer(one["loc"]), reason_of(one)) for one in error.errors[:MAX_FAULTS]]
    return invalid(*faults)


_CONVERSIONS: Final[dict[type[Exception], Callable[[Any], Problem]]] = {
    HttpError: _http_error,
    ValidationError: _invalid,
    InvalidInput: lambda error: invalid(Fault(error.pointer, error.reason)),
    Refusal: refused,
    DatabaseError: _database_error,
    InterfaceError: _database_error,
    IdempotencyKeyReused: lambda _: Problem(problem_kinds.KEY_REUSED),
    WrongExpectedVersion: lambda _: Problem(problem_kinds.CONFLICT),
    OutcomeUnknown: lambda _: _unavailable(problem_kinds.OUTCOME_UNKNOWN),
    NotDurable: lambda _: _unavailable(problem_kinds.DATABASE_AWAY),
    PermissionDenied: lambda error: Problem(problem_kinds.FORBIDDEN, str(error)),
    Http404: lambda error: not_found(str(error)),
    RequestDataTooBig: lambda _: too_large(settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
    SuspiciousOperation: lambda _: Problem(problem_kinds.BAD_REQUEST),
    UnreadablePostError: lambda _: Problem(
        problem_kinds.BAD_REQUEST, "The connection was lost before the whole body arrived. Nothing was recorded."
    ),
}
"""How each error is converted. The first match counts, so a subclass stands before its base."""

_KIND_OF_STATUS: Final = {
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
    DatabaseError,
    InterfaceError,
    Exception,
)


def handle(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer an error. An unexpected one is logged, and nothing of it is answered."""
    problem = of(error, authorization=request.headers.get("Authorization"))
    if problem.kind is problem_kinds.INVALID and request.method == "POST":  # a query records nothing anyway
        problem = replace(problem, detail=f"{problem.detail} Nothing was recorded.")
    if problem.kind is problem_kinds.INTERNAL_ERROR:
        _logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem.response()


def _pointer(location: Sequence[str | int]) -> str:
    """Return the JSON pointer of a location. Ninja begins it with `query`, or with `body` and the parameter's name."""
    kind, *rest = location
    parts = rest[1:] if kind == "body" else rest
    return json_pointer(*parts)


_REASONS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "missing": lambda _: "is required",
    "extra_forbidden": lambda _: "unknown field",
    "string_type": lambda _: "must be a string",
    "int_type": lambda _: "must be a whole number",
    "tuple_type": lambda _: "must be a list",
    "model_type": lambda _: "must be an object",
    "model_attributes_type": lambda _: "must be an object",
    "literal_error": lambda error: f"must be {error['ctx']['expected']}",
    "enum": lambda error: f"must be {error['ctx']['expected']}",
    "value_error": lambda error: str(error["ctx"]["error"]) if "ctx" in error else str(error["msg"]),
}
"""What is wrong, by the type of pydantic's error."""


def reason_of(error: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, of one of pydantic's errors."""
    describe = _REASONS.get(error["type"])
    return str(error["msg"]) if describe is None else describe(error)
