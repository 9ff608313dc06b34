"""Queries of the parties of journal lines."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from projectors.models import Balance, FinancialProduct
from projectors.queries.customers import names_of
from projectors.queries.live import live

Party = tuple[str, UUID]
"""The category and the uuid of a party."""


def names_of_parties(parties: Iterable[Party], at: Sequence[int]) -> dict[Party, str]:
    """Return the names of companies at the first of some positions, references of products and labels of accounts.

    Others have none, and only the names of companies ever change.
    """
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for category, uuid in parties:
        wanted[category].add(uuid)
    companies = names_of(wanted["company"], at).items()
    products = (
        live(FinancialProduct).filter(product_uuid__in=wanted["product"]).values_list("product_uuid", "reference")
    )
    accounts = live(Balance).filter(entity="account", uuid__in=wanted["account"]).values_list("uuid", "label")
    found = {"company": companies, "product": products, "account": accounts}
    return {(category, uuid): name for category, rows in found.items() for uuid, name in rows}
