"""Entity tags: a client reads again only what has changed, and changes only what it has read.

# Note [An entity's tag is its version]
The tag of an entity is the version of its stream, such as "7", and a digest if the answer depends on more than that
stream. If-None-Match compares the whole tag, If-Match of a command only the version. The append checks that version, so
that nothing can be recorded between the check and the command.
"""

import hashlib
import re
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from ledger.rules.commands import Command
from ledger.rules.events import CATEGORIES
from ledger.rules.facts import stream_id
from web.protocol import problem_kinds
from web.protocol.problems import Fault, Problem, invalid
from web.protocol.query_parameters import header

IF_MATCH: Final = "If-Match"
IF_NONE_MATCH: Final = "If-None-Match"
ETAG_HEADER: Final = {
    "ETag": {
        "description": "The version of the entity, to be sent as `If-None-Match` or `If-Match`.",
        "schema": {"type": "string"},
    }
}
READING: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": IF_NONE_MATCH,
            "in": "header",
            "required": False,
            "schema": {"type": "string", "examples": ['"7"']},
            "description": "The `ETag` that the client has. If it is still the same, the answer is 304 without a body.",
        }
    ],
    "responses": {200: {"headers": ETAG_HEADER}, 304: {"description": "Not Modified", "headers": ETAG_HEADER}},
}
"""What the OpenAPI document has of a query that answers with an entity tag."""
CHANGING: Final = {
    "name": IF_MATCH,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": r'^(\*|(W/)?"[0-9]{1,18}(-[0-9a-f]+)?"|[0-9]{1,18})$', "examples": ['"7"']},
    "description": "The `ETag` of what the command changes, as the client has read it: if it has changed since, 409."
    " The bare version is taken too.",
}
"""What the OpenAPI document has of a command that may be sent with an entity tag."""
_VERSION: Final = re.compile(r'(?:W/)?"([0-9]{1,18})(?:-[0-9a-f]+)?"|([0-9]{1,18})')
_TAG: Final = re.compile(r'(?:W/)?("[!#-~]*")')
_DIGEST: Final = 12
_NOT_MODIFIED: Final = 304


def with_tag(request: HttpRequest, response: HttpResponse, version: int, *, digest: bool = False) -> HttpResponse:
    """Return the response with its entity tag, or 304 if the client has it already."""
    suffix = f"-{hashlib.sha256(response.content).hexdigest()[:_DIGEST]}" if digest else ""
    tag = f'"{version}{suffix}"'
    given = header(request, IF_NONE_MATCH) or ""
    if given.strip() == "*" or tag in _TAG.findall(given):
        response = HttpResponse(status=_NOT_MODIFIED)
        del response.headers["Content-Type"]
    response.headers["ETag"] = tag
    return response


def expected_version(request: HttpRequest, command: Command, *, creates: bool) -> dict[str, int] | None:
    """Return the version that If-Match requires of the command's target, by stream; raises Problem."""
    given = header(request, IF_MATCH)
    if given is None or given.strip() == "*":
        return None
    found = _VERSION.fullmatch(given.strip())
    if found is None:
        raise invalid(Fault("", f'the header {IF_MATCH} must be one ETag, such as "7"'))
    if creates:
        raise invalid(Fault("", f"the header {IF_MATCH} must not be sent with a command that creates something"))
    target = target_of(command)
    # A rule refuses a command that names nothing to change, and says so better.
    return None if target is None else {target: int(found[1] or found[2])}


def target_of(command: Command) -> str | None:
    """Return the stream that a command changes, the one of the first uuid that it names; None if it names none."""
    streams = (
        stream_id(category, uuid)
        for name in type(command).__dataclass_fields__
        for category in CATEGORIES
        if name == f"{category}_uuid" and (uuid := getattr(command, name)) is not None
    )
    return next(streams, None)


def version_mismatch(expected: int, actual: int) -> Problem:
    """Return the problem of a command whose target is at another version than If-Match says."""
    return Problem(
        problem_kinds.VERSION_MISMATCH,
        f"If-Match is version {expected}, but it is at version {actual}. {problem_kinds.VERSION_MISMATCH.remedy}",
        {"expected_version": expected, "actual_version": actual},
        headers={"ETag": f'"{actual}"'},
    )
