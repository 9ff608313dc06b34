"""Queries of the balances of companies, assets and funding accounts."""

from uuid import UUID

from django.db.models import QuerySet

from projectors.models import Balance
from projectors.queries.live import live


def balances() -> QuerySet[Balance]:
    """Return the balances of companies, assets and funding accounts."""
    return live(Balance)


def accounts(company_uuid: UUID | None = None) -> QuerySet[Balance]:
    """Return the balances of funding accounts, or of those of a company."""
    rows = live(Balance).filter(entity=Balance.Entity.ACCOUNT)
    return rows if company_uuid is None else rows.filter(company_uuid=company_uuid)
