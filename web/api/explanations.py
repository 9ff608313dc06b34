"""GET of explanations: what a product owes, a balance, and a line of the trial balance."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field, PlainValidator, WithJsonSchema

from eventstore import store
from ledger import states
from ledger.rules.aggregates.account import Account
from ledger.rules.aggregates.product import Product
from projectors.explain.accounts import answers as account_lines
from projectors.explain.accounts.choice import AccountChoice
from projectors.explain.accounts.line import MOST_LINES, MOST_PARTIES, explain_account
from projectors.explain.answers.data import NAME_OF, answer
from projectors.explain.answers.subject import Subject, explain
from projectors.explain.figures import Order, Row, Term, Way
from projectors.explain.moment import ImpossibleMoment, Moment, is_known, moment
from projectors.journal import ACCOUNTS
from web.api.entities import ENTITIES
from web.protocol import response_headers
from web.protocol.json_values import json_response
from web.protocol.problems import Fault, invalid, not_found
from web.protocol.query_parameters import AsOf, BusinessDate, PathUuid, QueryParameters, Uuid, check_period
from web.protocol.query_router import QueryRouter
from web.protocol.read_your_writes import wait_for_position
from web.protocol.response_schemas import Amount, member_type, new_schema, schema_of, type_of
from web.slots import SlotKind, need_slot

router = QueryRouter("queries")

_SHORT_STREAM: Final = 1000
"""How many events are explained in milliseconds."""
_FOLD_S: Final = 10


def _known(value: str) -> str:
    if not is_known(value):
        message = "must be now, then or a position"
        raise ValueError(message)
    return value


Known = Annotated[
    str, PlainValidator(_known), WithJsonSchema({"type": "string", "pattern": "^(now|then|[0-9]{1,18})$"})
]


class MomentParameters(QueryParameters):
    """The moment of an explanation."""

    as_of: AsOf | None = None
    known: Known = Field(
        "now",
        description=(
            "How a date in `as_of` is known. `now`: everything recorded by now, by the date that it counts for. `then`:"
            " only what had been recorded when the date ended. A position: everything recorded up to it."
        ),
    )


class ExplanationParameters(MomentParameters):
    """The moment and the order of an explanation."""

    order: Literal["counts", "recorded"] = Field(
        "counts", description="The order of the rows: by the date that they count for, or as they were recorded."
    )


_PROOF: Final = new_schema(
    "ExplanationProof",
    "Independent ways to the figure, all at one position. A way that cannot be compared has no amount, and says why.",
    {
        "position": int,
        "ways": list[schema_of(Way, "ExplanationWay")],  # type: ignore[misc] # the schema is made at run time
        "agrees": Annotated[bool, Field(description="Whether all ways that can be compared give the same amount.")],
        "is_complete": Annotated[bool, Field(description="Whether every way can be compared.")],
    },
)
_MOMENT: Final[dict[str, Any]] = {
    "total": Annotated[Amount, Field(description="The figure: the sum of its terms.")],
    "sentence": Annotated[str, Field(description="Why the figure is what it is.")],
    "position": Annotated[int, Field(description="The last position that is looked at.")],
    "until": Annotated[
        type_of(date) | None, Field(description="The last business date that counts; null if every date counts.")
    ],
    "business_date": Annotated[type_of(date) | None, Field(description="The date that the figure is of.")],
    "known": Annotated[str, Field(description="As the parameter.")],
    "terms": list[schema_of(Term, "ExplanationTerm")],  # type: ignore[misc] # as above
    "proof": _PROOF,
}
_FIELDS: Final[dict[str, Any]] = {
    "figure": Annotated[Literal["owed", "balance"], Field(description="What is explained.")],
    "currency": Annotated[type_of(str) | None, Field(description="Null if no money has moved yet.")],
    **_MOMENT,
    "order": Literal["counts", "recorded"],
    "parts": Annotated[list[str], Field(description="What the amounts of `changes` and `after` of each row are of.")],
    "rows": list[schema_of(Row, "ExplanationRow")],  # type: ignore[misc] # as above
}
_STATUS_OF: Final = {"product": Product, "account": Account}
_SUMMARIES: Final = {
    "product": "Why a product owes what it owes",
    "company": "Why a company has its balance",
    "asset": "Why an asset has its balance",
    "account": "Why a funding account has its balance",
}


def _schema(category: str) -> Any:
    fields: dict[str, Any] = {f"{category}_uuid": type_of(UUID), NAME_OF[category]: type_of(str)}
    if category in _STATUS_OF:
        fields["status"] = member_type(_STATUS_OF[category], "status")
    doc = f"{_SUMMARIES[category]}: its terms, the events that make them, and a proof."
    return new_schema(f"{category.capitalize()}Explanation", doc, fields | _FIELDS)


def _view(category: str) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, uuid: PathUuid, parameters: Query[ExplanationParameters]) -> HttpResponse:
        return _explain(request, Subject(category, uuid), parameters)

    view.__name__ = view.__qualname__ = f"explain_{category}"
    return view


for _category, _summary in _SUMMARIES.items():
    router.query(
        f"/{ENTITIES[_category].plural}/{{uuid}}/explanation",
        _schema(_category),
        f"explain-{_category}",
        _summary,
        may_be_missing=True,
    )(_view(_category))


def _explain(request: HttpRequest, subject: Subject, parameters: ExplanationParameters) -> HttpResponse:
    at = _moment(request, parameters)
    order: Order = parameters.order
    with _room(request, subject, at):
        explained = explain(subject, at.cut, order)
    if explained is None:
        raise not_found(f"There is no {subject.category} {subject.uuid} as of position {at.cut.position}.")
    return json_response(answer(explained, at))


def _moment(request: HttpRequest, parameters: MomentParameters) -> Moment:
    head = wait_for_position(request, store.durable_head)
    try:
        at = moment(parameters.as_of, parameters.known, head)
    except ImpossibleMoment as impossible:
        raise invalid(Fault(f"/{impossible.parameter}", str(impossible).rstrip("."))) from impossible
    response_headers.set_position(request, at.cut.position)
    return at


def _room(request: HttpRequest, subject: Subject, at: Moment) -> AbstractContextManager[Any]:
    """Return a slot to fold a long stream; raises Problem if there is none. See Note [Long requests hold slots]."""
    if states.version_at(subject.category, subject.uuid, at.cut.position) <= _SHORT_STREAM:
        return nullcontext()
    return need_slot(request, _FOLD_S, SlotKind.FOLDING)


class LineParameters(MomentParameters):
    """The moment, the dates and the party of a line of the trial balance."""

    from_: BusinessDate | None = Field(None, alias="from", description="The first date that is not in the opening.")
    to: BusinessDate | None = Field(None, description="The last date that counts.")
    party_uuid: Uuid | None = Field(None, description="Only the lines of this party.")


_GROUP: Final = new_schema(
    "LineGroup",
    "Lines of the journal with one event type, or with one party.",
    {
        "name": Annotated[str, Field(description="The event type, or the name of the party.")],
        "party_type": type_of(str) | None,
        "party_uuid": type_of(UUID) | None,
        "lines": int,
        "debit": Amount,
        "credit": Amount,
        "net": Annotated[Amount, Field(description="Debits less credits.")],
    },
)
_MANY: Final = f"Null if more than {MOST_LINES:,} lines make the period."
_LINE: Final = new_schema(
    "TrialBalanceLineExplanation",
    "Why an account stands where it does in a currency: opening, debits, credits, what made them, and a proof.",
    {
        "account": str,
        "currency": type_of(str),
        "party_uuid": type_of(UUID) | None,
        "from": type_of(date) | None,
        "to": type_of(date) | None,
        "figure": Literal["debits less credits"],
        **_MOMENT,
        "by_event": Annotated[list[_GROUP] | None, Field(description=_MANY)],  # type: ignore[valid-type] # as above
        "by_party": Annotated[
            list[_GROUP] | None,  # type: ignore[valid-type] # as above
            Field(description=f"The {MOST_PARTIES} parties whose net moved most. {_MANY}"),
        ],
        "parties": Annotated[int, Field(description="How many parties there are.")],
    },
)


@router.query(
    "/trial-balance/{account}/{currency}/explanation",
    _LINE,
    "explain-trial-balance-line",
    "Why a line of the trial balance is what it is",
    may_be_missing=True,
)
def explain_line(request: HttpRequest, account: str, currency: str, parameters: Query[LineParameters]) -> HttpResponse:
    """Answer the explanation of an account in a currency, of all parties or one, from one date to another."""
    check_period(parameters.from_, parameters.to)
    at = _moment(request, parameters)
    choice = AccountChoice(account, currency, parameters.party_uuid, parameters.from_, parameters.to)
    # See Note [Long requests hold slots]
    with need_slot(request, _FOLD_S, SlotKind.FOLDING):
        explained = explain_account(choice, at.cut) if account in ACCOUNTS and "\0" not in currency else None
    if explained is None:
        raise not_found(f"{account} has no line in {currency} as of position {at.cut.position}.")
    return json_response(account_lines.answer(explained, at))
