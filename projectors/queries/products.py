"""Queries of financial products."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from django.db.models import QuerySet

from ledger.rules import texts
from projectors.models import FinancialProduct
from projectors.queries.live import live, without_index


def products(  # noqa: PLR0913 - each is a filter
    *,
    deal_uuid: UUID | None = None,
    obligor_company_uuid: UUID | None = None,
    asset_uuid: UUID | None = None,
    status: str | None = None,
    overdue_on: date | None = None,
    reference: str | None = None,
) -> QuerySet[FinancialProduct]:
    """Return the products that match every filter given; the most selective filter's index is scanned.

    Products that are overdue on a date owe something and were due before it. Two references are the same if their
    identities are equal. See Note [Identity of text].
    """
    filters: dict[str, UUID | str | None] = {
        "deal_uuid": deal_uuid,
        "obligor_company_uuid": obligor_company_uuid,
        "asset_uuid": asset_uuid,
        "reference_identity": None if reference is None else texts.identity(reference),
    }
    given = {name: value for name, value in filters.items() if value is not None}
    rows = live(FinancialProduct).filter(**given)
    if given.get("reference_identity") == "":
        return rows.none()  # No reference is blank.
    if status is not None:
        leads = not given and overdue_on is None
        rows = rows.filter(status=status) if leads else without_index(rows, "status", status)
    if overdue_on is None:
        return rows
    return (rows.exclude(owes=False) if given else rows.filter(owes=True)).filter(due_date__lt=overdue_on)


def originated_products_of(company_uuid: UUID, position: int) -> Iterator[UUID]:
    """Yield the products that a company has owed as of a position, in the order of an index."""
    rows = live(FinancialProduct).filter(obligor_company_uuid=company_uuid, originated_position__lte=position)
    yield from rows.order_by("product_uuid").values_list("product_uuid", flat=True).iterator(1000)
