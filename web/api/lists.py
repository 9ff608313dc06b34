"""GET of lists: companies, deals, accounts, balances and products."""

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from ledger.rules.aggregates.account import Account
from projectors.models import Balance, Company, Deal, FinancialProduct
from projectors.queries import directory
from projectors.queries.live import live, without_index
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
    Company,
    same("company_uuid", "name", "currency", "position"),
    doc="A company in the directory; no currency until the first money arrives.",
)


@router.query("/companies", _COMPANY.page, "list-companies", "The directory of companies")
def companies(request: HttpRequest, which: Query[ByName]) -> HttpResponse:
    """Answer a page of the directory."""
    rows = live(Company)
    if which.name is not None:
        rows = rows.filter(name__icontains=which.name)
    return page(request, _COMPANY, rows, which, ["company_uuid"])


class OfCompany(Paging):
    """Whose."""

    company_uuid: Uuid | None = None


_DEAL: Final = Item(Deal, same("deal_uuid", "product_line_id", "companies", "rating_tier", "status", "position"))


@router.query("/deals", _DEAL.page, "list-deals", "Deals, or those in which a company plays a role")
def deals(request: HttpRequest, which: Query[OfCompany]) -> HttpResponse:
    """Answer a page of deals."""
    rows = live(Deal)
    if which.company_uuid is not None:
        rows = rows.filter(deal_uuid__in=directory.deals_of(which.company_uuid))
    return page(request, _DEAL, rows, which, ["deal_uuid"])


_ACCOUNT: Final = Item(
    Balance,
    {"account_uuid": "uuid", **same("company_uuid", "label", "currency", "status", "balance", "position")},
    amounts=("balance",),
    kinds={"company_uuid": response_schemas.shape(UUID), "status": response_schemas.member(Account, "status")},
    name="FundingAccount",
    doc="A funding account of a company, with its balance; no currency until the first money arrives.",
)


@router.query("/accounts", _ACCOUNT.page, "list-accounts", "Funding accounts, or those of a company")
def accounts(request: HttpRequest, which: Query[OfCompany]) -> HttpResponse:
    """Answer a page of accounts."""
    rows = live(Balance).filter(entity=Balance.Entity.ACCOUNT)
    if which.company_uuid is not None:
        rows = rows.filter(company_uuid=which.company_uuid)
    return page(request, _ACCOUNT, rows, which, ["uuid"])


_BALANCE: Final = Item(Balance, same("entity", "uuid", "balance", "currency", "position"), amounts=("balance",))


@router.query("/balances", _BALANCE.page, "list-balances", "Every balance of a company, an asset or an account")
def balances(request: HttpRequest, which: Query[Paging]) -> HttpResponse:
    """Answer a page of balances."""
    return page(request, _BALANCE, live(Balance), which, ["entity", "uuid"])


class WhichProducts(Paging):
    """Which products: those that match all that is given."""

    deal_uuid: Uuid | None = None
    company_uuid: Uuid | None = Field(None, description="The obligor.")
    asset_uuid: Uuid | None = None
    status: FinancialProduct.Status | None = None
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
    FinancialProduct,
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
    kinds={"daily_late_fee_rate": response_schemas.Amount},
)


@router.query("/products", _PRODUCT.page, "list-products", "Financial products")
def products(request: HttpRequest, which: Query[WhichProducts]) -> HttpResponse:
    """Answer a page of products."""
    uuids = {
        "deal_uuid": which.deal_uuid,
        "obligor_company_uuid": which.company_uuid,
        "asset_uuid": which.asset_uuid,
    }
    given = {name: value for name, value in uuids.items() if value is not None}
    rows = live(FinancialProduct).filter(**given)
    if which.status is not None:
        leads = given or which.overdue_on
        rows = without_index(rows, "status", which.status) if leads else rows.filter(status=which.status)
    if which.overdue_on is None:
        return page(request, _PRODUCT, rows, which, ["product_uuid"])
    # The order in which they are indexed: by uuid, each page would sort all that is overdue.
    rows = (rows.exclude(owes=False) if given else rows.filter(owes=True)).filter(due_date__lt=which.overdue_on)
    return page(request, _PRODUCT, rows, which, ["due_date", "product_uuid"])
