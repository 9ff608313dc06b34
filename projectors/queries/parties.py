"""Queries of the parties of journal lines."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from projectors.models import Balance, Company, FinancialProduct
from projectors.queries.live import live

Party = tuple[str, UUID]
"""The category and the uuid of a party."""


def names_of_parties(parties: Iterable[Party]) -> dict[Party, str]:
    """Return the names of companies, the references of products and the labels of accounts; others have none."""
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for category, uuid in parties:
        wanted[category].add(uuid)
    companies = live(Company).filter(company_uuid__in=wanted["company"]).values_list("company_uuid", "name")
    products = (
        live(FinancialProduct).filter(product_uuid__in=wanted["product"]).values_list("product_uuid", "reference")
    )
    accounts = live(Balance).filter(entity="account", uuid__in=wanted["account"]).values_list("uuid", "label")
    found = {"company": companies, "product": products, "account": accounts}
    return {(category, uuid): name for category, rows in found.items() for uuid, name in rows}
