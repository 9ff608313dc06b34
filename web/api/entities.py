"""GET of one company, asset, account, deal, product or grant, now or in the past, folded from its events."""

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from eventstore import store
from eventstore.folding import Loaded
from eventstore.log.replica import read_up_to
from ledger import as_of, memberships, states
from ledger.rules import events
from ledger.rules.aggregates.account import Account
from ledger.rules.aggregates.asset import Asset
from ledger.rules.aggregates.company import Company
from ledger.rules.aggregates.deal import Deal
from ledger.rules.aggregates.grant import Grant
from ledger.rules.aggregates.membership import Membership
from ledger.rules.aggregates.product import Product
from processmanagers.payoff import Payoff, payoff
from web.protocol import entity_tags, response_headers, response_schemas
from web.protocol.json_values import json_response
from web.protocol.problems import not_found
from web.protocol.query_parameters import AsOfParameters, PathUuid
from web.protocol.query_router import QueryRouter
from web.protocol.read_your_writes import wait_for_position
from web.slots import SlotKind, need_slot

router = QueryRouter("queries")


class Entity(NamedTuple):
    """A kind of entity: an answer has the fields of its first event and further fields of its state."""

    doc: str
    plural: str
    first_event: type
    state: type
    more: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields, in order."""
        return (*(field.name for field in dataclasses.fields(self.first_event)), *self.more)


ENTITIES: Final = {
    "company": Entity(
        "A company, with its balance. It has no currency until its first money arrives.",
        "companies",
        events.CompanyRegistered,
        Company,
        ("currency", "balance"),
    ),
    "asset": Entity(
        "A receivable: its value, the cash collected on it, and the product that was last originated on it.",
        "assets",
        events.AssetRegistered,
        Asset,
        ("balance", "product_uuid"),
    ),
    "account": Entity(
        "A funding account of a company. It has no currency until its first money arrives.",
        "accounts",
        events.FundingAccountOpened,
        Account,
        ("currency", "status", "balance"),
    ),
    "deal": Entity(
        "A deal. A deleted deal is still answered, because its products remain.",
        "deals",
        events.DealCreated,
        Deal,
        ("status",),
    ),
    "product": Entity(
        "A financial product, as originated and as it is now: `open` while principal is outstanding, else `written_off`"
        " once a part was written off, else `paid` if no fees are outstanding, else `open`. A written-off product owes"
        " the fees that were charged after the write-off.",
        "products",
        events.ProductOriginated,
        Product,
        (
            "principal_outstanding",
            "principal_paid",
            "fees_incurred",
            "fees_paid",
            "fees_waived",
            "fees_outstanding",
            "principal_written_off",
            "fees_written_off",
            "recovered",
            "status",
        ),
    ),
    "grant": Entity("A grant; it never changes.", "grants", events.BalancesGranted, Grant, ()),
}
"""Each kind of entity, by its category."""

_STREAM_FIELDS: Final[dict[str, Any]] = {
    "version": Annotated[int, Field(description="The version of its stream.")],
    "position": Annotated[int, Field(description="The position of its last event.")],
}
_PAYOFF: Final[dict[str, Any]] = {
    "payoff": Annotated[
        response_schemas.type_of(Decimal),
        Field(description="What is owed, with the late fees of dates that have begun and are not yet assessed."),
    ],
    "fees_assessed_through": Annotated[
        response_schemas.type_of(date) | None, Field(description="The last date whose late fees are complete.")
    ],
}
_ATTEMPTS: Final = 3
_SHORT_STREAM: Final = 1000
"""How many events are folded in milliseconds."""
_FOLD_S: Final = 5
_AS_OF: Final[dict[str, Any]] = {
    "as_of": Annotated[int | response_schemas.type_of(date), Field(description="The parameter, if it was given.")]
}


def _resolve(request: HttpRequest, moment: int | date | None) -> tuple[int | None, int]:
    """Return the position to answer as of, None for now, and the position that the answer reflects at least."""
    # The head is read before any state, so the answer reflects at least the head.
    head = wait_for_position(request, store.durable_head)
    position = as_of.resolve(moment, head)
    if position is None:
        return None, head
    response_headers.set_position(request, position)
    return position, position


def _missing(fact: str, moment: int | date | None) -> Exception:
    return not_found(f"{fact} as of {moment}." if moment is not None else f"{fact}.")


def _stream_fields(loaded: Loaded[Any], moment: int | date | None) -> dict[str, Any]:
    content: dict[str, Any] = {"version": loaded.version, "position": loaded.position}
    return content if moment is None else content | {"as_of": moment}


def _read(request: HttpRequest, category: str, uuid: UUID, moment: int | date | None) -> HttpResponse:
    loaded, reflected = _loaded(request, category, uuid, moment)
    if not loaded.state.exists:
        raise _missing(f"There is no {category} {uuid}", moment)
    store.ensure_durable(loaded.position)
    response_headers.raise_position(request, loaded.position)
    content: dict[str, Any] = {f"{category}_uuid": uuid}
    content |= {name: getattr(loaded.state, name) for name in ENTITIES[category].names}
    is_product = isinstance(loaded.state, Product)
    if is_product:
        owed = _payoff(uuid, loaded.state, max(reflected, loaded.position), moment)
        content |= {"payoff": owed.amount, "fees_assessed_through": owed.fees_assessed_through}
    response = json_response(content | _stream_fields(loaded, moment))
    # A payoff changes with each business date, and not only with the product.
    return entity_tags.with_tag(request, response, loaded.version, digest=is_product)


def _loaded(request: HttpRequest, category: str, uuid: UUID, moment: int | date | None) -> tuple[Loaded[Any], int]:
    """Return a state, and the position that it reflects at least."""
    if moment is None:
        return _loaded_now(request, category, uuid)
    _, reflected = _resolve(request, moment)

    def read(using: str) -> Loaded[Any]:
        with _room_to_fold(request, category, uuid, reflected, using):
            return states.state(category, uuid, reflected, using)

    return read_up_to(reflected, read), reflected


def _payoff(uuid: UUID, state: Product, position: int, moment: int | date | None) -> Payoff:
    if moment is None:
        return payoff(uuid, state, position)
    return read_up_to(position, partial(payoff, uuid, state, position))


def _loaded_now(request: HttpRequest, category: str, uuid: UUID) -> tuple[Loaded[Any], int]:
    loaded: list[Loaded[Any]] = []

    def reflected() -> int:
        current, head = states.state_and_head(category, uuid)
        store.ensure_durable(head)
        loaded[:] = [current]
        return head

    head = wait_for_position(request, reflected)
    return loaded[0], head


def _room_to_fold(
    request: HttpRequest, category: str, uuid: UUID, position: int, using: str
) -> AbstractContextManager[Any]:
    """Return a slot to fold a long stream as of a position; raises Problem if there is none."""
    # See Note [Long requests hold slots]. The state of now needs none: the process keeps it and brings it up to date.
    if states.version_at(category, uuid, position, using) <= _SHORT_STREAM:
        return nullcontext()
    return need_slot(request, _FOLD_S, SlotKind.FOLDING)


def _schema(category: str) -> type[response_schemas.ResponseSchema]:
    entity = ENTITIES[category]
    of_event = {field.name for field in dataclasses.fields(entity.first_event)}
    fields = {f"{category}_uuid": response_schemas.type_of(UUID)}
    fields |= {
        name: response_schemas.member_type(entity.first_event if name in of_event else entity.state, name)
        for name in entity.names
    }
    if entity.state is Product:
        fields |= _PAYOFF
    return response_schemas.new_schema(f"{category.capitalize()}State", entity.doc, fields | _STREAM_FIELDS, _AS_OF)


def _view(category: str) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, uuid: PathUuid, parameters: Query[AsOfParameters]) -> HttpResponse:
        return _read(request, category, uuid, parameters.as_of)

    view.__name__ = view.__qualname__ = f"get_{category}"
    return view


for _category, _entity in ENTITIES.items():
    router.query(
        f"/{_entity.plural}/{{uuid}}",
        _schema(_category),
        f"get-{_category}",
        f"One {_category}, now, as of a position or as of a business date",
        may_be_missing=True,
        extra=entity_tags.READING,
    )(_view(_category))


_MembershipState = response_schemas.new_schema(
    "MembershipState",
    "The membership of a company; `activated` if its deal is active.",
    {
        "rating_tier": response_schemas.type_of(str | None),
        "deal_uuid": response_schemas.type_of(UUID),
        "activated": response_schemas.type_of(bool),
        **_STREAM_FIELDS,
    },
    _AS_OF,
)


@router.query(
    "/companies/{uuid}/membership",
    _MembershipState,
    "get-membership",
    "A company's membership, now, as of a position or as of a business date",
    may_be_missing=True,
    extra=entity_tags.READING,
)
def get_membership(request: HttpRequest, uuid: PathUuid, parameters: Query[AsOfParameters]) -> HttpResponse:
    """Answer the membership, with the version and position of its deal."""
    position, _ = _resolve(request, parameters.as_of)
    # A membership of the past is folded from the deals of its company.
    with nullcontext() if position is None else need_slot(request, _FOLD_S, SlotKind.FOLDING):
        found, deal = read_up_to(position or 0, partial(_membership, uuid, position, parameters.as_of))
    for _ in range(_ATTEMPTS):
        if (found.rating_tier, found.activated) == (deal.state.rating_tier, deal.state.status == "active"):
            break
        found, deal = _membership(uuid, position, parameters.as_of, "default")  # the deal changed between the two reads
    store.ensure_durable(deal.position)
    response_headers.raise_position(request, deal.position)
    content = {"rating_tier": found.rating_tier, "deal_uuid": found.deal_uuid, "activated": found.activated}
    response = json_response(content | _stream_fields(deal, parameters.as_of))
    # The membership may pass to another deal that is at the same version.
    return entity_tags.with_tag(request, response, deal.version, digest=True)


def _membership(
    uuid: UUID, position: int | None, moment: int | date | None, using: str
) -> tuple[Membership, Loaded[Deal]]:
    found = memberships.lookup(uuid, position, using)
    if found.deal_uuid is None:
        if not states.company(uuid, position, using).state.exists:
            raise _missing(f"There is no company {uuid}", moment)
        raise _missing(f"The company {uuid} is not a member", moment)
    return found, states.deal(found.deal_uuid, position, using)
