"""What schemathesis checks besides its own: loaded by its command line as a file of hooks."""

import re
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response

_OF_THE_FORM = {"not-json", "invalid-input", "idempotency-key-required", "invalid-idempotency-key", "body-too-large"}

_BEYOND_SCHEMAS = (
    "must not be after to",
    "must not be a JSON number with a point or an exponent",
    "must not be given twice for one kind of command",
    "must have at most ",
)


@schemathesis.check
def what_is_documented_is_well_formed(_ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """A request that the document allows may be refused by a rule of the ledger, but never for its form."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in {400, 413, 422}:
        return
    reported = response.json()
    slug = reported["type"]
    faults = [fault for fault in reported.get("errors", ()) if not _is_beyond_schemas(fault)]
    assert slug not in _OF_THE_FORM or (reported.get("errors") and not faults), (
        f"the document allows it, and yet: {reported}"
    )


def _is_beyond_schemas(fault: dict[str, str]) -> bool:
    # Where a page ends is what a `next` link said, which no schema can tell from another text. And to a schema, 1.0 is
    # as whole as 1. Nor can a schema limit bytes, or compare the keys of two commands. The body of a command in a batch
    # is described where the command is.
    if re.match("/commands/[0-9]+/body(/|$)", fault["pointer"]):
        return True
    return fault["pointer"] == "/after" or fault["detail"].startswith(_BEYOND_SCHEMAS)


@schemathesis.check
def problems_say_nothing_of_the_inside(_ctx: CheckContext, response: Response, _case: Case[Any]) -> None:
    """Fail if an answer reveals a part of the code or the database."""
    text = response.content.decode(errors="replace")
    for inside in ("Traceback", "SELECT ", "psycopg", "sqlite3.", '.py"'):
        assert inside not in text, f"an answer reveals {inside!r}"
