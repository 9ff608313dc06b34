"""GET /api/problems/{slug}: what a problem's `type` names, and every kind of problem that there is."""

from collections.abc import Iterator
from typing import Annotated, Final

from django.http import HttpRequest, HttpResponse
from pydantic import Field, WithJsonSchema

from eventstore import store
from ledger.rules.refusals.base import AgainstTheRules, Conflicting, NotAcceptable, NotThere, Refusal
from ledger.rules.refusals.dates import TooManyMissingDates
from ledger.rules.refusals.inputs import InvalidInput
from web.protocol import problem_kinds
from web.protocol.json_values import answer
from web.protocol.problem_kinds import Kind
from web.protocol.problems import kind_of, not_found
from web.protocol.query_router import Queries
from web.protocol.read_your_writes import reached
from web.protocol.response_schemas import Told

router = Queries("operations")

FAMILIES: Final = (NotAcceptable, NotThere, Conflicting, AgainstTheRules)
"""The refusals of the ledger, in the order in which they are explained."""
_NOT_OVER_HTTP: Final = frozenset({InvalidInput, TooManyMissingDates})
"""What only the service layer's own callers and the command line can meet."""


def refusals(of: type[Refusal]) -> Iterator[Kind]:
    """Yield the kinds of a family's refusals that a client can meet, in the order of their modules and lines."""
    # Subclasses are listed as they were defined, and modules are loaded in whatever order they are imported.
    for cls in sorted(of.__subclasses__(), key=lambda cls: cls.__module__):
        if cls not in _NOT_OVER_HTTP:
            yield kind_of(cls)


KINDS: Final = {kind.slug: kind for family in FAMILIES for kind in refusals(family)} | {
    kind.slug: kind for kind in problem_kinds.KINDS
}
"""Every kind of problem, by its slug."""


class ProblemKind(Told):
    """A kind of problem, as all of its kind are told."""

    type: str
    title: str
    status: int
    members: list[str] = Field(description="The figures that a problem of this kind gives, besides its detail.")
    remedy: str = Field(description="What to do about it.")


@router.query(
    "/problems/{slug}", ProblemKind, "get-problem", "What a problem's type says, and what to do", may_be_missing=True
)
def problem(
    request: HttpRequest,
    slug: Annotated[str, WithJsonSchema({"type": "string", "examples": ["insufficient-funds"]})],
) -> HttpResponse:
    """Answer from the table that the problems themselves are made of."""
    reached(request, lambda: store.head().position)
    kind = KINDS.get(slug)
    if kind is None:
        raise not_found("There is no such kind of problem.")
    return answer(
        {
            "type": kind.slug,
            "title": kind.title,
            "status": kind.status,
            "members": list(kind.members),
            "remedy": kind.remedy,
        }
    )
