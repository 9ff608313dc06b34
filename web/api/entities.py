"""GET of one company, asset, account, deal, product or grant: folded from its events, now or as of then."""

import dataclasses
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from eventstore import store
from eventstore.log.cache import Loaded
from ledger import as_of, memberships, states
from ledger.rules import events
from ledger.rules.aggregates.account import Account
from ledger.rules.aggregates.asset import Asset
from ledger.rules.aggregates.company import Company
from ledger.rules.aggregates.deal import Deal
from ledger.rules.aggregates.grant import Grant
from ledger.rules.aggregates.membership import Membership
from ledger.rules.aggregates.product import Product
from web.protocol import response_headers, response_schemas
from web.protocol.json_values import answer
from web.protocol.problems import not_found
from web.protocol.query_parameters import AskedAsOf, NamedUuid
from web.protocol.query_router import Queries
from web.protocol.read_your_writes import reached

router = Queries("queries")


class Shown(NamedTuple):
    """What is told of a kind of entity: the fields of the event that began it, and more of its state."""

    doc: str
    plural: str
    begun_by: type
    state: type
    more: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The fields, in the order in which they are told."""
        return (*(field.name for field in dataclasses.fields(self.begun_by)), *self.more)


SHOWN: Final = {
    "company": Shown(
        "A company: its name and its balance; no currency before the first money that it brings.",
        "companies",
        events.CompanyRegistered,
        Company,
        ("currency", "balance"),
    ),
    "asset": Shown(
        "A receivable: what it is worth, the cash collected on it, and the product that was last originated on it.",
        "assets",
        events.AssetRegistered,
        Asset,
        ("balance", "product_uuid"),
    ),
    "account": Shown(
        "A funding account of a company; no currency before the first money that it is credited with.",
        "accounts",
        events.FundingAccountOpened,
        Account,
        ("currency", "status", "balance"),
    ),
    "deal": Shown(
        "A deal; a deleted one is still there, for its products stay.", "deals", events.DealCreated, Deal, ("status",)
    ),
    "product": Shown(
        "What is owed, as it was originated and as it stands: `written_off` once it was written off, else `paid` while"
        " neither principal nor fees are outstanding, else `open`.",
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
            "status",
        ),
    ),
    "grant": Shown("A grant as it was made; it never changes.", "grants", events.BalancesGranted, Grant, ()),
}
"""What is told of each kind of entity, besides its uuid and where it stands."""

_STANDING: Final[dict[str, Any]] = {
    "version": Annotated[int, Field(description="Of its stream.")],
    "position": Annotated[int, Field(description="Of its last event.")],
}
_LOOKS: Final = 3
_ASKED: Final[dict[str, Any]] = {
    "as_of": Annotated[
        int | response_schemas.shape(date), Field(description="As it was asked; left out where it was not.")
    ]
}


def _pinned(request: HttpRequest, wanted: int | date | None) -> int | None:
    """Return the position that is asked about, None for now, and note what the answer reflects."""
    # Read before any state: what the answer reflects is at least this.
    position = as_of.resolve(wanted, reached(request, lambda: store.head().position))
    if position is not None:
        response_headers.reflects(request, position)
    return position


def _missing(what: str, wanted: int | date | None) -> Exception:
    return not_found(f"{what} as of {wanted}." if wanted is not None else f"{what}.")


def _standing(loaded: Loaded[Any], wanted: int | date | None) -> dict[str, Any]:
    content: dict[str, Any] = {"version": loaded.version, "position": loaded.position}
    return content if wanted is None else content | {"as_of": wanted}


def _read(request: HttpRequest, category: str, uuid: UUID, wanted: int | date | None) -> HttpResponse:
    loaded = states.state(category, uuid, _pinned(request, wanted))
    if not loaded.state.exists:
        raise _missing(f"There is no {category} {uuid}", wanted)
    response_headers.reflects_also(request, loaded.position)
    content: dict[str, Any] = {f"{category}_uuid": uuid}
    content |= {name: getattr(loaded.state, name) for name in SHOWN[category].names}
    return answer(content | _standing(loaded, wanted))


def _schema(category: str) -> type[response_schemas.Told]:
    shown = SHOWN[category]
    begun = {field.name for field in dataclasses.fields(shown.begun_by)}
    fields = {f"{category}_uuid": response_schemas.shape(UUID)}
    fields |= {
        name: response_schemas.member(shown.begun_by if name in begun else shown.state, name) for name in shown.names
    }
    return response_schemas.make(f"{category.capitalize()}State", shown.doc, fields | _STANDING, _ASKED)


def _view(category: str) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, uuid: NamedUuid, which: Query[AskedAsOf]) -> HttpResponse:
        return _read(request, category, uuid, which.as_of)

    view.__name__ = view.__qualname__ = f"get_{category}"
    return view


for _category, _shown in SHOWN.items():
    router.query(
        f"/{_shown.plural}/{{uuid}}",
        _schema(_category),
        f"get-{_category}",
        f"One {_category}, now, as of a position or as of a business date",
        may_be_missing=True,
    )(_view(_category))


_MembershipState = response_schemas.make(
    "MembershipState",
    "The membership of a company; `activated` where the deal under which it is held is active.",
    {
        "rating_tier": response_schemas.shape(str | None),
        "deal_uuid": response_schemas.shape(UUID),
        "activated": response_schemas.shape(bool),
        **_STANDING,
    },
    _ASKED,
)


@router.query(
    "/companies/{uuid}/membership",
    _MembershipState,
    "get-membership",
    "The company's membership, now, as of a position or as of a business date",
    may_be_missing=True,
)
def membership(request: HttpRequest, uuid: NamedUuid, which: Query[AskedAsOf]) -> HttpResponse:
    """Answer from the fold of all deals; version and position are those of the deal under which it is held."""
    position = _pinned(request, which.as_of)
    found, deal = _held(uuid, position, which.as_of)
    for _ in range(_LOOKS):
        if (found.rating_tier, found.activated) == (deal.state.rating_tier, deal.state.status == "active"):
            break
        found, deal = _held(uuid, position, which.as_of)  # the deal has changed between the two looks
    response_headers.reflects_also(request, deal.position)
    content = {"rating_tier": found.rating_tier, "deal_uuid": found.deal_uuid, "activated": found.activated}
    return answer(content | _standing(deal, which.as_of))


def _held(uuid: UUID, position: int | None, wanted: int | date | None) -> tuple[Membership, Loaded[Deal]]:
    found = memberships.lookup(uuid, position)
    if found.deal_uuid is None:
        if not states.company(uuid, position).state.exists:
            raise _missing(f"There is no company {uuid}", wanted)
        raise _missing(f"The company {uuid} is not a member", wanted)
    return found, states.deal(found.deal_uuid, position)
