"""GET of lists: companies, deals, funding accounts, balances and financial products."""

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from ledger.rules.aggregates.account import Account
from ledger.rules.aggregates.product import Status as ProductStatus
from projectors.queries import balances, directory, products
from web.api.items import Item, same
from web.api.paging import Paging, keyset_page
from web.protocol import response_schemas
from web.protocol.query_parameters import BusinessDate, Text, Uuid
from web.protocol.query_router import QueryRouter

router = QueryRouter("read models")


class CompanyFilters(Paging):
    """The filters of the directory."""

    name: Text | None = Field(None, description="A part of the name; ASCII letters match in either case.")


_COMPANY: Final = Item(
    directory.companies(),
    same("company_uuid", "name", "currency", "position"),
    doc="A company of the directory. It has no currency until its first money arrives.",
)


@router.query("/companies", _COMPANY.page, "list-companies", "The directory of companies")
def list_companies(request: HttpRequest, parameters: Query[CompanyFilters]) -> HttpResponse:
    """Answer a page of the directory."""
    return keyset_page(request, _COMPANY, directory.companies(parameters.name), parameters, ["company_uuid"])


class OfCompany(Paging):
    """The filter by company."""

    company_uuid: Uuid | None = None


_DEAL: Final = Item(
    directory.deals(), same("deal_uuid", "product_line_id", "companies", "rating_tier", "status", "position")
)


@router.query("/deals", _DEAL.page, "list-deals", "All deals, or those in which a company plays a role")
def list_deals(request: HttpRequest, parameters: Query[OfCompany]) -> HttpResponse:
    """Answer a page of deals."""
    return keyset_page(request, _DEAL, directory.deals(parameters.company_uuid), parameters, ["deal_uuid"])


_ACCOUNT: Final = Item(
    balances.accounts(),
    {"account_uuid": "uuid", **same("company_uuid", "label", "currency", "status", "balance", "position")},
    amounts=("balance",),
    types={"company_uuid": response_schemas.type_of(UUID), "status": response_schemas.member_type(Account, "status")},
    name="FundingAccount",
    doc="A funding account of a company, with its balance. It has no currency until its first money arrives.",
)


@router.query("/accounts", _ACCOUNT.page, "list-accounts", "All funding accounts, or those of a company")
def list_accounts(request: HttpRequest, parameters: Query[OfCompany]) -> HttpResponse:
    """Answer a page of funding accounts."""
    return keyset_page(request, _ACCOUNT, balances.accounts(parameters.company_uuid), parameters, ["uuid"])


_BALANCE: Final = Item(
    balances.balances(), same("entity", "uuid", "balance", "currency", "position"), amounts=("balance",)
)


@router.query("/balances", _BALANCE.page, "list-balances", "The balances of all companies, assets and funding accounts")
def list_balances(request: HttpRequest, parameters: Query[Paging]) -> HttpResponse:
    """Answer a page of balances."""
    return keyset_page(request, _BALANCE, balances.balances(), parameters, ["entity", "uuid"])


class ProductFilters(Paging):
    """The filters of products; a product must match all that are given."""

    deal_uuid: Uuid | None = None
    company_uuid: Uuid | None = Field(None, description="The obligor.")
    asset_uuid: Uuid | None = None
    reference: Text | None = Field(
        None, description="The whole reference, without regard to joiners and to the number of blanks between words."
    )
    status: ProductStatus | None = None
    overdue_on: BusinessDate | None = Field(
        None, description="Only products that owe something and were due before this date, ordered by due date."
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
def list_products(request: HttpRequest, parameters: Query[ProductFilters]) -> HttpResponse:
    """Answer a page of products."""
    rows = products.products(
        deal_uuid=parameters.deal_uuid,
        obligor_company_uuid=parameters.company_uuid,
        asset_uuid=parameters.asset_uuid,
        reference=parameters.reference,
        status=parameters.status,
        overdue_on=parameters.overdue_on,
    )
    # Overdue products are indexed by due date: in the order of uuids, each page would sort all of them.
    key = ["product_uuid"] if parameters.overdue_on is None else ["due_date", "product_uuid"]
    return keyset_page(request, _PRODUCT, rows, parameters, key)
