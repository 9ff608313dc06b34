"""Queries of customers: what they owe, and their products."""

from typing import Final
from uuid import UUID

from django.db.models import F, QuerySet

from projectors.models import Balance, Company, CustomerSum, FinancialProduct
from projectors.queries.live import live

RANKINGS: Final = ("owed", "overdue", "fees_incurred", "fees")
"""The sums by which customers can be ranked."""


def all_sums() -> QuerySet[CustomerSum]:
    """Return the sums of every customer."""
    return live(CustomerSum)


def ranked(by: str, currency: str | None = None) -> QuerySet[CustomerSum]:
    """Return the sums of customers, the greatest first."""
    rows = live(CustomerSum)
    rows = rows if currency is None else rows.filter(currency=currency)
    return rows.order_by(F(by).desc(), "company_uuid", "currency")


def names_of(uuids: set[UUID]) -> dict[UUID, str]:
    """Return the names of companies."""
    return dict(live(Company).filter(company_uuid__in=uuids).values_list("company_uuid", "name"))


def references_of(uuids: set[UUID]) -> dict[UUID, str]:
    """Return the references of products."""
    return dict(live(FinancialProduct).filter(product_uuid__in=uuids).values_list("product_uuid", "reference"))


def accounts_of(company_uuid: UUID, most: int) -> list[Balance]:
    """Return the funding accounts of a company, at most so many."""
    return list(live(Balance).filter(company_uuid=company_uuid).order_by("uuid")[:most])
