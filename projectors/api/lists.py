"""GET of lists: companies, deals, accounts, balances, products, the journal, aging, daily activity."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from ledger import asof, money
from ledger.api.answers import answer, as_of
from ledger.api.problems import Fault, invalid
from ledger.api.schemas import NOT_READ
from ledger.api.waiting import reached
from projectors import queries
from projectors.api.paging import Page, Paging, page
from projectors.models import AgingBucket, Balance, Company, DailyActivity, Deal, FinancialProduct, JournalLine
from projectors.queries import live

router = Router(tags=["read models"])
ANSWERS: Any = {200: Page, **NOT_READ}


def _text(name: str, value: str | None) -> str | None:
    if value is not None and "\0" in value:
        raise invalid(Fault(f"/{name}", "a text has no null byte"))
    return value


def _amount(units: int, digits: int) -> Decimal:
    return money.from_minor(units, digits)


class ByName(Paging):
    """Which companies."""

    name: str | None = Field(None, description="Part of the name, in any case.")


@router.get("/companies", response=ANSWERS, operation_id="list-companies", summary="The directory of companies")
def companies(request: HttpRequest, which: Query[ByName]) -> HttpResponse:
    """Answer a page of the directory."""
    name = _text("name", which.name)

    def rows() -> QuerySet[Company]:
        found = live(Company)
        return found if name is None else found.filter(name__icontains=name)

    def show(row: Company) -> dict[str, Any]:
        return {"company_uuid": row.company_uuid, "name": row.name, "currency": row.currency or None}

    return page(request, Company, rows, ["company_uuid"], show, which, {"name": name})


class OfCompany(Paging):
    """Whose."""

    company_uuid: UUID | None = None


@router.get("/deals", response=ANSWERS, operation_id="list-deals", summary="Deals, or those of a company")
def deals(request: HttpRequest, which: Query[OfCompany]) -> HttpResponse:
    """Answer a page of deals."""

    def rows() -> QuerySet[Deal]:
        found = live(Deal)
        if which.company_uuid is None:
            return found
        return found.filter(deal_uuid__in=queries.deals_of(which.company_uuid))

    def show(row: Deal) -> dict[str, Any]:
        return {
            "deal_uuid": row.deal_uuid,
            "product_line_id": row.product_line_id,
            "companies": row.companies,
            "rating_tier": row.rating_tier,
            "status": row.status,
        }

    return page(request, Deal, rows, ["deal_uuid"], show, which, {"company_uuid": which.company_uuid})


@router.get("/accounts", response=ANSWERS, operation_id="list-accounts", summary="Funding accounts")
def accounts(request: HttpRequest, which: Query[OfCompany]) -> HttpResponse:
    """Answer a page of accounts."""

    def rows() -> QuerySet[Balance]:
        found = live(Balance).filter(entity="account")
        return found if which.company_uuid is None else found.filter(company_uuid=which.company_uuid)

    def show(row: Balance) -> dict[str, Any]:
        return {
            "account_uuid": row.uuid,
            "company_uuid": row.company_uuid,
            "label": row.label,
            "currency": row.currency or None,
            "status": row.status,
            "balance": _amount(row.balance, row.minor_digits),
        }

    return page(request, Balance, rows, ["uuid"], show, which, {"company_uuid": which.company_uuid})


@router.get("/balances", response=ANSWERS, operation_id="list-balances", summary="Every balance")
def balances(request: HttpRequest, which: Query[Paging]) -> HttpResponse:
    """Answer a page of balances."""

    def show(row: Balance) -> dict[str, Any]:
        return {
            "entity": row.entity,
            "uuid": row.uuid,
            "balance": _amount(row.balance, row.minor_digits),
            "currency": row.currency or None,
        }

    return page(request, Balance, lambda: live(Balance), ["entity", "uuid"], show, which, {})


class WhichProducts(Paging):
    """Which products."""

    deal_uuid: UUID | None = None
    company_uuid: UUID | None = Field(None, description="The obligor.")
    asset_uuid: UUID | None = None
    status: str | None = Field(None, pattern="^(open|paid|written_off)$")
    overdue_on: date | None = Field(None, description="Owing, and due before this date.")


@router.get("/products", response=ANSWERS, operation_id="list-products", summary="Financial products")
def products(request: HttpRequest, which: Query[WhichProducts]) -> HttpResponse:
    """Answer a page of products."""
    same = {
        "deal_uuid": which.deal_uuid,
        "obligor_company_uuid": which.company_uuid,
        "asset_uuid": which.asset_uuid,
        "status": which.status,
    }

    def rows() -> QuerySet[FinancialProduct]:
        found = live(FinancialProduct).filter(**{name: value for name, value in same.items() if value is not None})
        if which.overdue_on is not None:
            found = found.filter(owes=True, due_date__lt=which.overdue_on)
        return found

    given = which.model_dump(exclude={"limit", "after"})
    return page(request, FinancialProduct, rows, ["product_uuid"], _product, which, given)


def _product(row: FinancialProduct) -> dict[str, Any]:
    amounts = (
        "principal",
        "principal_outstanding",
        "principal_paid",
        "fees_incurred",
        "fees_paid",
        "fees_waived",
        "fees_outstanding",
    )
    others = (
        "product_uuid",
        "deal_uuid",
        "asset_uuid",
        "obligor_company_uuid",
        "currency",
        "due_date",
        "daily_late_fee_rate",
        "late_fee_payer_role",
        "companies",
        "reference",
        "status",
    )
    shown = {name: getattr(row, name) for name in others}
    return shown | {name: _amount(getattr(row, name), row.minor_digits) for name in amounts}


class WhichLines(Paging):
    """Which lines of the journal."""

    account: str | None = None
    party_uuid: UUID | None = None
    from_: date | None = Field(None, alias="from", description="Booked on this date or later.")
    to: date | None = Field(None, description="Booked on this date or earlier.")


@router.get("/journal", response=ANSWERS, operation_id="list-journal", summary="The double-entry journal")
def journal(request: HttpRequest, which: Query[WhichLines]) -> HttpResponse:
    """Answer a page of the journal."""
    wanted = Q()
    for name, value in (
        ("account", _text("account", which.account)),
        ("party_uuid", which.party_uuid),
        ("booking_date__gte", which.from_),
        ("booking_date__lte", which.to),
    ):
        if value is not None:
            wanted &= Q(**{name: value})

    def show(row: JournalLine) -> dict[str, Any]:
        names = ("position", "line", "event_type", "business_date", "booking_date", "account", "party_type")
        return {name: getattr(row, name) for name in names} | {
            "party_uuid": row.party_uuid,
            "currency": row.currency,
            "debit": _amount(row.debit, row.minor_digits),
            "credit": _amount(row.credit, row.minor_digits),
            "reference": row.reference,
        }

    given = {"account": which.account, "party_uuid": which.party_uuid, "from": which.from_, "to": which.to}
    return page(
        request, JournalLine, lambda: live(JournalLine).filter(wanted), ["position", "line"], show, which, given
    )


class Whole(Schema):
    """A list that is short enough to be told at once."""

    items: list[dict[str, Any]]
    next: None = None


@router.get(
    "/trial-balance", response={200: Whole, **NOT_READ}, operation_id="trial-balance", summary="Sums of the journal"
)
def trial_balance(request: HttpRequest, as_of: str | None = None) -> HttpResponse:
    """Answer the sums by account and currency, up to a position or the end of a business date."""
    return _trial_balance(request, as_of)


def _trial_balance(request: HttpRequest, given: str | None) -> HttpResponse:
    reflected = reached(request, lambda: queries.position_of(JournalLine))
    position = asof.resolve(as_of(given))
    if position is not None and position > reflected:
        raise invalid(Fault("/as_of", f"the journal is only at position {reflected}"))
    lines = queries.trial_balance(position)
    items = [
        {
            "account": line.account,
            "currency": line.currency,
            "debit": _amount(line.debit, line.minor_digits),
            "credit": _amount(line.credit, line.minor_digits),
        }
        for line in lines
    ]
    return answer({"items": items, "next": None}, reflected if position is None else position)


@router.get("/aging", response={200: Whole, **NOT_READ}, operation_id="aging", summary="What is owed, by days past due")
def aging(request: HttpRequest, business_date: date) -> HttpResponse:
    """Answer the buckets as the business date began."""
    reflected = reached(request, lambda: queries.position_of(AgingBucket))
    items = [
        {
            "business_date": row.business_date,
            "currency": row.currency,
            "bucket": row.bucket,
            "principal": _amount(row.principal, row.minor_digits),
            "fees": _amount(row.fees, row.minor_digits),
            "products": row.products,
        }
        for row in queries.aging(business_date)
    ]
    return answer({"items": items, "next": None}, reflected)


class Between(Paging):
    """Which dates."""

    from_: date | None = Field(None, alias="from")
    to: date | None = None


@router.get("/daily-activity", response=ANSWERS, operation_id="daily-activity", summary="What happened, by date")
def daily_activity(request: HttpRequest, which: Query[Between]) -> HttpResponse:
    """Answer a page of dates; what was before the first business date is told by no date and left out here."""
    wanted = Q(business_date__isnull=False)
    if which.from_ is not None:
        wanted &= Q(business_date__gte=which.from_)
    if which.to is not None:
        wanted &= Q(business_date__lte=which.to)

    def show(row: DailyActivity) -> dict[str, Any]:
        names = ("fees_assessed", "fees_waived", "granted", "paid_in", "paid_out")
        shown = {"business_date": row.business_date, "currency": row.currency or None, "events": row.events}
        return shown | {name: _amount(getattr(row, name), row.minor_digits) for name in names}

    rows = lambda: live(DailyActivity).filter(wanted)  # noqa: E731 - named for what it gives
    given = {"from": which.from_, "to": which.to}
    return page(request, DailyActivity, rows, ["business_date", "currency"], show, which, given)
