"""Queries of the directory of companies and deals."""

from uuid import UUID

from django.db.models import QuerySet

from projectors.models import DealCompany
from projectors.queries.live import live


def deals_of(company_uuid: UUID) -> QuerySet[DealCompany, UUID]:
    """Return the uuids of the deals in which a company plays a role."""
    return live(DealCompany).filter(company_uuid=company_uuid).values_list("deal_uuid", flat=True)
