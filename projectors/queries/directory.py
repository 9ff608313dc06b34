"""Queries of the directory of companies and deals."""

from uuid import UUID

from django.db.models import QuerySet

from projectors.models import Company, Deal, DealCompany
from projectors.queries.live import live


def companies(part_of_name: str | None = None) -> QuerySet[Company]:
    """Return the companies, or those with this text in their name; ASCII letters match in either case."""
    rows = live(Company)
    return rows if part_of_name is None else rows.filter(name__icontains=part_of_name)


def deals(company_uuid: UUID | None = None) -> QuerySet[Deal]:
    """Return the deals, or those in which a company plays a role."""
    rows = live(Deal)
    if company_uuid is None:
        return rows
    return rows.filter(deal_uuid__in=live(DealCompany).filter(company_uuid=company_uuid).values("deal_uuid"))
