"""The kinds of problems, each with its slug, status, title and remedy: those of HTTP, and `kind_of` each refusal."""

from dataclasses import dataclass, fields
from typing import Final

from ledger.rules.refusals.base import Conflicting, Refusal

_PROBLEM_MEMBERS: Final = frozenset({"type", "title", "status", "detail", "instance", "errors"})


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem. The remedy is its detail unless a better one is given; `members` are its figures."""

    slug: str
    status: int
    title: str
    remedy: str
    members: tuple[str, ...] = ()


NOT_JSON: Final = ProblemKind(
    "not-json", 400, "Body is not JSON", "Send one JSON object in UTF-8, with Content-Type: application/json."
)
BAD_REQUEST: Final = ProblemKind("bad-request", 400, "Bad request", "Check the address and the headers of the request.")
KEY_REQUIRED: Final = ProblemKind(
    "idempotency-key-required",
    400,
    "Idempotency-Key required",
    "Send a header Idempotency-Key with a new key, such as a UUID. Send the same key again if you repeat the command.",
)
INVALID_KEY: Final = ProblemKind(
    "invalid-idempotency-key",
    400,
    "Invalid Idempotency-Key",
    "Send one key of 1 to 200 printable ASCII characters, such as a UUID: no comma, and no space at either end.",
)
UNAUTHENTICATED: Final = ProblemKind(
    "unauthenticated",
    401,
    "Authentication required",
    "Get a token at POST /o/token/, with grant_type=client_credentials and the id and secret of an API client, and send"
    " it with each request as Authorization: Bearer TOKEN. A person logs in at /admin/.",
)
FORBIDDEN: Final = ProblemKind(
    "forbidden", 403, "Permission denied", "Ask the operator of this ledger for the permission."
)
CSRF_FAILED: Final = ProblemKind(
    "csrf-failed",
    403,
    "CSRF check failed",
    "Send the value of the cookie csrftoken as the header X-CSRFToken, or use a bearer token instead of a session.",
)
NOT_FOUND: Final = ProblemKind("not-found", 404, "Not found", "Check the uuid and as_of.")
NO_SUCH_ADDRESS: Final = ProblemKind(
    "no-such-address", 404, "No such address", "The page /api/docs lists all addresses."
)
METHOD_NOT_ALLOWED: Final = ProblemKind(
    "method-not-allowed", 405, "Method not allowed", "The header Allow lists the methods that this address supports."
)
CONFLICT: Final = ProblemKind(
    "conflict",
    409,
    "Concurrent change",
    "Nothing was recorded. Repeat the command with the same key.",
)
OPERATION_REFUSED: Final = ProblemKind(
    "operation-refused", 409, "Does not fit the state", "Nothing was changed. Look at its state, and decide again."
)
VERSION_MISMATCH: Final = ProblemKind(
    "version-mismatch",
    409,
    "Version mismatch",
    "Nothing was recorded. Read it again, and decide on what it is now.",
    ("expected_version", "actual_version"),
)
TOO_LARGE: Final = ProblemKind("body-too-large", 413, "Body too large", "Send less at once.", ("limit_bytes",))
INVALID: Final = ProblemKind(
    "invalid-input",
    422,
    "Invalid input",
    "Each of `errors` names a place and what is wrong there. /api/docs has the schema.",
    ("errors",),
)
KEY_REUSED: Final = ProblemKind(
    "idempotency-key-reused",
    422,
    "Idempotency-Key used with another body",
    "Nothing was recorded. Send a new key for a new command. Repeat an earlier command with its body unchanged.",
)
BATCH_REFUSED: Final = ProblemKind(
    "batch-refused",
    422,
    "Atomic batch refused",
    "Nothing was recorded. Mend the command that `index` names, by its `problem`, and send the batch again.",
    ("index", "problem"),
)
TOO_MANY_REQUESTS: Final = ProblemKind(
    "too-many-requests", 429, "Too many requests", "Wait as many seconds as the header Retry-After says."
)
INTERNAL_ERROR: Final = ProblemKind(
    "internal-error",
    500,
    "Internal error",
    "The error was logged. A command may or may not have been recorded: repeat it with the same key, or look first.",
)
DATABASE_AWAY: Final = ProblemKind(
    "database-away",
    503,
    "Database unavailable",
    "Try again in a moment, with the same key. Without a key, first look whether the command was recorded.",
)
NOT_MIGRATED: Final = ProblemKind(
    "not-migrated",
    503,
    "Database not migrated",
    "Nothing was recorded. Ask the operator of this ledger to run manage.py migrate.",
)
OUTCOME_UNKNOWN: Final = ProblemKind(
    "outcome-unknown",
    503,
    "Outcome unknown",
    "The connection to the database was lost during the command. Repeat it with the same key. Without one, look first.",
)
NOT_REACHED: Final = ProblemKind(
    "not-reached",
    503,
    "Position not reached yet",
    "Try again in a moment, or wait for it with the header Prefer: wait=2.",
    ("wanted", "position"),
)
TOO_MANY_STREAMS: Final = ProblemKind(
    "too-many-streams",
    503,
    "Too many open streams",
    "Try again after as many seconds as the header Retry-After says, or poll /api/events with after=.",
)

KINDS: Final = tuple(value for value in list(globals().values()) if isinstance(value, ProblemKind))
"""The kinds of HTTP itself, by status."""


def kind_of(refusal: type[Refusal]) -> ProblemKind:
    """Return the kind of problem that a refusal is: 409 if it was done before, otherwise 422."""
    status = 409 if issubclass(refusal, Conflicting) else 422
    title = (refusal.__doc__ or refusal.slug).splitlines()[0].rstrip(".")
    return ProblemKind(refusal.slug, status, title, refusal.remedy, tuple(members_of(refusal).values()))


def members_of(refusal: type[Refusal]) -> dict[str, str]:
    """Return the name of the member for each figure.

    A figure called as a member that every problem has, such as `status`, is prefixed: a deal's is `deal_status`.
    """
    names = [one.name for one in fields(refusal)]
    owner = names[0].removesuffix("_uuid") if names else ""
    return {name: f"{owner}_{name}" if name in _PROBLEM_MEMBERS else name for name in names}
