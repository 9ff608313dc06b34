"""Queries of customers: what they owe, and their products."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.db.models import F, Q, QuerySet

from ledger import states
from projectors.models import Balance, Company, CustomerSum, FinancialProduct
from projectors.queries.customer_sums import CustomerFigures, Moment, Which, customer_sums
from projectors.queries.live import live


def all_sums() -> QuerySet[CustomerSum]:
    """Return the sums of every customer."""
    return live(CustomerSum)


def ranked(by: str, currency: str | None = None) -> QuerySet[CustomerSum]:
    """Return the sums of customers, the greatest first."""
    rows = live(CustomerSum)
    rows = rows if currency is None else rows.filter(currency=currency)
    return rows.order_by(F(by).desc(), "company_uuid", "currency")


def names_of(uuids: set[UUID], at: Sequence[int] = ()) -> dict[UUID, str]:
    """Return the names of companies, now or at the first of some positions at which each existed."""
    rows = live(Company).filter(company_uuid__in=uuids).values_list("company_uuid", "name", "position")
    # A row that no event has changed since has the name of then.
    return {uuid: name if not at or changed <= at[0] else _name_at(uuid, at, name) for uuid, name, changed in rows}


def _name_at(company_uuid: UUID, at: Sequence[int], name: str) -> str:
    companies = (states.company(company_uuid, position).state for position in at)
    return next((company.name for company in companies if company.exists), name)


def references_of(uuids: set[UUID]) -> dict[UUID, str]:
    """Return the references of products."""
    return dict(live(FinancialProduct).filter(product_uuid__in=uuids).values_list("product_uuid", "reference"))


def accounts_of(company_uuid: UUID, most: int) -> list[Balance]:
    """Return the funding accounts of a company, at most so many."""
    return list(live(Balance).filter(company_uuid=company_uuid).order_by("uuid")[:most])


def first_customers(at: Moment, which: Which, limit: int) -> list[CustomerFigures]:
    """Return the sums of the first customers in order of company and currency, at most so many.

    It looks at some customers at a time: more if few of them had an invoice at the moment.
    """
    found: list[CustomerFigures] = []
    after, some = which.after, limit
    company = Q() if which.company_uuid is None else Q(company_uuid=which.company_uuid)
    while len(found) < limit:
        rows = live(CustomerSum).filter(company)
        if after is not None:
            beyond = Q(company_uuid__gt=after[0]) | Q(currency__gt=after[1])
            rows = rows.filter(beyond, company_uuid__gte=after[0])
        keys = list(rows.order_by("company_uuid", "currency").values_list("company_uuid", "currency")[:some])
        if not keys:
            break
        own = replace(which, after=after, companies=frozenset(uuid for uuid, _ in keys))
        found += [row for row in customer_sums(at, own) if (row.company_uuid, row.currency) <= keys[-1]]
        after, some = keys[-1], some * 4
    return found[:limit]
