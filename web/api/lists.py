"""GET of lists: companies, deals, accounts, balances and products."""

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from ledger.rules.aggregates.account import Account
from ledger.rules.aggregates.product import Status as ProductStatus
from projectors.queries import balances, directory, products
from web.api.items import Item, same
from web.protocol import response_schemas
from web.protocol.paging import Paging, page
from web.protocol.query_parameters import BusinessDate, Text, Uuid
from web.protocol.query_router import Queries

router = Queries("read models")


class ByName(Paging):
    """Which companies."""

    name: Text | None = Field(None, description="Part of the name; case does not matter in ASCII.")


_COMPANY: Final = Item(
    directory.companies(),
    same("company_uuid", "name", "currency", "position"),
    doc="A company in the directory; no currency until the first money arrives.",
)


@router.query("/companies", _COMPANY.page, "list-companies", "The directory of companies")
def list_companies(request: HttpRequest, which: Query[ByName]) -> HttpResponse:
    """Answer a page of the directory."""
    return page(request, _COMPANY, directory.companies(which.name), which, ["company_uuid"])


class OfCompany(Paging):
    """Whose."""

    company_uuid: Uuid | None = None


_DEAL: Final = Item(
    directory.deals(), same("deal_uuid", "product_line_id", "companies", "rating_tier", "status", "position")
)


@router.query("/deals", _DEAL.page, "list-deals", "Deals, or those in which a company plays a role")
def list_deals(request: HttpRequest, which: Query[OfCompany]) -> HttpResponse:
    """Answer a page of deals."""
    return page(request, _DEAL, directory.deals(which.company_uuid), which, ["deal_uuid"])


_ACCOUNT: Final = Item(
    balances.accounts(),
    {"account_uuid": "uuid", **same("company_uuid", "label", "currency", "status", "balance", "position")},
    amounts=("balance",),
    types={"company_uuid": response_schemas.shape(UUID), "status": response_schemas.member(Account, "status")},
    name="FundingAccount",
    doc="A funding account of a company, with its balance; no currency until the first money arrives.",
)


@router.query("/accounts", _ACCOUNT.page, "list-accounts", "Funding accounts, or those of a company")
def list_accounts(request: HttpRequest, which: Query[OfCompany]) -> HttpResponse:
    """Answer a page of accounts."""
    return page(request, _ACCOUNT, balances.accounts(which.company_uuid), which, ["uuid"])


_BALANCE: Final = Item(
    balances.balances(), same("entity", "uuid", "balance", "currency", "position"), amounts=("balance",)
)


@router.query("/balances", _BALANCE.page, "list-balances", "Every balance of a company, an asset or an account")
def list_balances(request: HttpRequest, which: Query[Paging]) -> HttpResponse:
    """Answer a page of balances."""
    return page(request, _BALANCE, balances.balances(), which, ["entity", "uuid"])


class WhichProducts(Paging):
    """Which products: those that match all that is given."""

    deal_uuid: Uuid | None = None
    company_uuid: Uuid | None = Field(None, description="The obligor.")
    asset_uuid: Uuid | None = None
    status: ProductStatus | None = None
    overdue_on: BusinessDate | None = Field(
        None, description="Those that owe something and were due before this date; in the order of their due dates."
    )


_AMOUNTS: Final = (
    "principal_outstanding",
    "principal_paid",
    "fees_incurred",
    "fees_paid",
    "fees_waived",
    "fees_outstanding",
)
_PRODUCT: Final = Item(
    products.products(),
    same(
        "product_uuid",
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
        *_AMOUNTS,
        "status",
        "position",
    ),
    amounts=("principal", *_AMOUNTS),
    types={"daily_late_fee_rate": response_schemas.Amount},
)


@router.query("/products", _PRODUCT.page, "list-products", "Financial products")
def list_products(request: HttpRequest, which: Query[WhichProducts]) -> HttpResponse:
    """Answer a page of products."""
    rows = products.products(
        deal_uuid=which.deal_uuid,
        obligor_company_uuid=which.company_uuid,
        asset_uuid=which.asset_uuid,
        status=which.status,
        overdue_on=which.overdue_on,
    )
    # Overdue products are indexed by due date: in the order of uuids, each page would sort all of them.
    key = ["product_uuid"] if which.overdue_on is None else ["due_date", "product_uuid"]
    return page(request, _PRODUCT, rows, which, key)
