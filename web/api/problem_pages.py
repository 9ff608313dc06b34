"""GET /api/problems/{slug}: the kind of problem that a `type` names; and the table of all kinds."""

from collections.abc import Iterator
from typing import Annotated, Final

from django.http import HttpRequest, HttpResponse
from pydantic import Field, WithJsonSchema

from eventstore import store
from ledger.rules.refusals.base import AgainstTheRules, Conflicting, NotAcceptable, NotThere, Refusal
from ledger.rules.refusals.dates import TooManyMissingDates
from ledger.rules.refusals.inputs import InvalidInput
from web.protocol import problem_kinds
from web.protocol.json_values import json_response
from web.protocol.problem_kinds import kind_of
from web.protocol.problems import not_found
from web.protocol.query_parameters import MAX_TEXT
from web.protocol.query_router import QueryRouter
from web.protocol.read_your_writes import wait_for_position
from web.protocol.response_schemas import ResponseSchema

router = QueryRouter("operations")

FAMILIES: Final = (NotAcceptable, NotThere, Conflicting, AgainstTheRules)
"""The families of the ledger's refusals, in the order of docs/problems.md."""
_NOT_OVER_HTTP: Final = frozenset({InvalidInput, TooManyMissingDates})
"""Refusals that only the command line and callers of the service layer can meet."""


def refusals(of: type[Refusal]) -> Iterator[problem_kinds.ProblemKind]:
    """Yield the kinds of a family's refusals that a client can meet, in the order of their modules and lines."""
    # Subclasses are listed as they were defined, and the order of imports decides when a module is loaded.
    for cls in sorted(of.__subclasses__(), key=lambda cls: cls.__module__):
        if cls not in _NOT_OVER_HTTP:
            yield kind_of(cls)


KINDS: Final = {kind.slug: kind for family in FAMILIES for kind in refusals(family)} | {
    kind.slug: kind for kind in problem_kinds.KINDS
}
"""Every kind of problem, by slug."""


class ProblemKind(ResponseSchema):
    """A kind of problem."""

    type: str
    title: str
    status: int
    members: list[str] = Field(description="The names of the figures that a problem of this kind has.")
    remedy: str = Field(description="What to do.")


@router.query(
    "/problems/{slug}",
    ProblemKind,
    "get-problem",
    "The meaning of a problem's type, and what to do",
    may_be_missing=True,
)
def get_problem(
    request: HttpRequest,
    slug: Annotated[str, WithJsonSchema({"type": "string", "examples": ["insufficient-funds"]})],
) -> HttpResponse:
    """Answer from the table of which problems are made."""
    wait_for_position(request, store.durable_head)
    kind = KINDS.get(slug)
    if kind is None:
        raise not_found(f"There is no kind of problem {slug[:MAX_TEXT]!r}.")
    return json_response(
        {
            "type": kind.slug,
            "title": kind.title,
            "status": kind.status,
            "members": list(kind.members),
            "remedy": kind.remedy,
        }
    )
