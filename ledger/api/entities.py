"""GET of one company, asset, account, deal, product or grant: folded from its events, now or as of then."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field, create_model

from eventstore import store
from ledger import asof, memberships, states
from ledger.aggregates.account import Account
from ledger.aggregates.asset import Asset
from ledger.aggregates.company import Company
from ledger.aggregates.deal import Deal
from ledger.aggregates.grant import Grant
from ledger.aggregates.product import Product
from ledger.api.answers import answer, as_of
from ledger.api.forms import answer_form
from ledger.api.problems import not_found
from ledger.api.schemas import NOT_READ
from ledger.api.waiting import reached

router = Router(tags=["queries"])

SHOWN: Final[dict[str, tuple[type, tuple[str, ...]]]] = {
    "company": (Company, ("name", "currency", "balance")),
    "asset": (
        Asset,
        (
            "value",
            "currency",
            "sender_company_uuid",
            "receiver_company_uuid",
            "reference",
            "balance",
            "product_uuid",
        ),
    ),
    "account": (Account, ("company_uuid", "label", "currency", "status", "balance")),
    "deal": (Deal, ("product_line_id", "companies", "rating_tier", "status")),
    "product": (
        Product,
        (
            "deal_uuid",
            "asset_uuid",
            "obligor_company_uuid",
            "principal",
            "currency",
            "due_date",
            "daily_late_fee_rate",
            "late_fee_payer_role",
            "companies",
            "reference",
            "principal_outstanding",
            "principal_paid",
            "fees_incurred",
            "fees_paid",
            "fees_waived",
            "fees_outstanding",
            "status",
        ),
    ),
    "grant": (Grant, ("total", "currency", "reference", "sources", "destinations")),
}
"""What is told of each kind of entity, besides its uuid and where it stands."""

PLURALS: Final = {
    "company": "companies",
    "asset": "assets",
    "account": "accounts",
    "deal": "deals",
    "product": "products",
    "grant": "grants",
}


def _read(request: HttpRequest, category: str, uuid: UUID, given: str | None) -> HttpResponse:
    wanted = as_of(given)
    # Read before the state: what the answer reflects is at least this.
    reflected = reached(request, _head)
    if wanted is not None:
        reflected = asof.resolve(wanted) or 0
    loaded = states.state(category, uuid, None if wanted is None else reflected)
    if not loaded.state.exists:
        raise not_found(f"There is no {category} {uuid}" + ("." if given is None else f" as of {given}."))
    content: dict[str, Any] = {f"{category}_uuid": uuid}
    content |= {name: getattr(loaded.state, name) for name in SHOWN[category][1]}
    content |= {"version": loaded.version, "position": loaded.position}
    if given is not None:
        content["as_of"] = given
    return answer(content, reflected)


def _head() -> int:
    return store.head().position


def _schema(category: str) -> type[Schema]:
    cls, names = SHOWN[category]
    fields: dict[str, Any] = {f"{category}_uuid": (UUID, ...)}
    fields |= {name: (answer_form(cls, name), ...) for name in names}
    fields |= {
        "version": (int, Field(description="Of its stream.")),
        "position": (int, Field(description="Of its last event.")),
        "as_of": (str | None, Field(default=None, description="Where asked.")),
    }
    made: type[Schema] = create_model(f"{category.capitalize()}State", __base__=Schema, __doc__=cls.__doc__, **fields)
    return made


def _view(category: str) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, uuid: UUID, as_of: str | None = None) -> HttpResponse:
        return _read(request, category, uuid, as_of)

    view.__name__ = view.__qualname__ = f"get_{category}"
    return view


for _category, _plural in PLURALS.items():
    router.get(
        f"/{_plural}/{{uuid:uuid}}",
        response={200: _schema(_category), **NOT_READ},
        operation_id=f"get-{_category}",
        summary=f"One {_category}, now, as of a position or as of a business date",
    )(_view(_category))


class MembershipState(Schema):
    """Of which deal a company is a member."""

    rating_tier: str | None
    deal_uuid: UUID
    activated: bool


@router.get(
    "/companies/{uuid:uuid}/membership",
    response={200: MembershipState, **NOT_READ},
    operation_id="get-membership",
    summary="The company's membership",
)
def membership(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Answer from the fold of all deals."""
    reflected = reached(request, _head)
    found = memberships.lookup(uuid)
    if found.deal_uuid is None:
        raise not_found(f"The company {uuid} is not a member.")
    content = {"rating_tier": found.rating_tier, "deal_uuid": found.deal_uuid, "activated": found.activated}
    return answer(content, reflected)
