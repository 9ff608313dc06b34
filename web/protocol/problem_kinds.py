"""The problems that HTTP itself brings, beside the ledger's refusals: each with its slug, its status and what to do."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem; `remedy` is told wherever no detail says more, `members` are its figures."""

    slug: str
    status: int
    title: str
    remedy: str
    members: tuple[str, ...] = ()


NOT_JSON: Final = Kind(
    "not-json", 400, "The body is not JSON", "Send one JSON object in UTF-8, with Content-Type: application/json."
)
BAD_REQUEST: Final = Kind(
    "bad-request", 400, "The request is not one of HTTP as it is understood here", "Look at its address and headers."
)
KEY_REQUIRED: Final = Kind(
    "idempotency-key-required",
    400,
    "This command needs an Idempotency-Key",
    "Send a header Idempotency-Key with a new key, such as a UUID, and the same key again if you must repeat it.",
)
INVALID_KEY: Final = Kind(
    "invalid-idempotency-key",
    400,
    "The Idempotency-Key is not one",
    "Send 1 to 200 printable ASCII characters that begin and end with no space, such as a UUID.",
)
UNAUTHENTICATED: Final = Kind(
    "unauthenticated",
    401,
    "Nobody knows who asks",
    "Get a token at POST /o/token/, with grant_type=client_credentials and the id and secret of an API client, and send"
    " it with each request as Authorization: Bearer TOKEN; a person logs in at /admin/.",
)
FORBIDDEN: Final = Kind(
    "forbidden", 403, "Who asks may not do this", "Ask whoever runs this ledger for the permission."
)
CSRF_FAILED: Final = Kind(
    "csrf-failed",
    403,
    "A session changes nothing without its CSRF token",
    "Send the value of the cookie csrftoken as the header X-CSRFToken, or use a bearer token instead of a session.",
)
NOT_FOUND: Final = Kind("not-found", 404, "There is no such thing", "Look at the uuid and at as_of.")
NO_SUCH_ADDRESS: Final = Kind(
    "no-such-address", 404, "There is no such address", "The page /api/docs tells which there are."
)
METHOD_NOT_ALLOWED: Final = Kind(
    "method-not-allowed", 405, "This address does not take that method", "The header Allow says which it takes."
)
CONFLICT: Final = Kind(
    "conflict",
    409,
    "Others changed the same things at the same moment, each time that this was tried",
    "Nothing was recorded. Repeat it with the same key.",
)
TOO_LARGE: Final = Kind("body-too-large", 413, "The body is too large", "Send less at once.", ("limit_bytes",))
INVALID: Final = Kind(
    "invalid-input",
    422,
    "The request does not have the form that it must have",
    "Each of `errors` says where and what; /api/docs has the form.",
    ("errors",),
)
KEY_REUSED: Final = Kind(
    "idempotency-key-reused",
    422,
    "The key was used before, with another body",
    "Nothing was recorded. Send a new key with what is new; repeat what was sent before exactly as it was.",
)
TOO_MANY_REQUESTS: Final = Kind(
    "too-many-requests", 429, "That was asked too often", "Wait as many seconds as the header Retry-After says."
)
INTERNAL_ERROR: Final = Kind(
    "internal-error",
    500,
    "Something went wrong within",
    "It was noted. Whether something was recorded is not known: look first, or repeat it with the same key.",
)
DATABASE_AWAY: Final = Kind(
    "database-away",
    503,
    "The database is away",
    "Try again in a moment, with the same key; of a command without a key, look first whether it was recorded.",
)
OUTCOME_UNKNOWN: Final = Kind(
    "outcome-unknown",
    503,
    "Whether it was recorded is not known yet",
    "The connection to the database was lost in between. Repeat it with the same key; without a key, look first.",
)
NOT_REACHED: Final = Kind(
    "not-reached",
    503,
    "The position that was asked for is not reached yet",
    "Try again in a moment, or let it wait with the header Prefer: wait=2.",
    ("wanted", "position"),
)
TOO_MANY_STREAMS: Final = Kind(
    "too-many-streams",
    503,
    "As many are being streamed to, or waiting, as this server has room for",
    "Come back in a few seconds, as the header Retry-After says, or ask /api/events with after= now and then.",
)

KINDS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Kind))
"""All of them, by status."""
