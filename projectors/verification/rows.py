"""Compares the rows of companies, assets, accounts, deals and products with the states of their streams."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Model, QuerySet

from ledger.rules import texts
from ledger.rules.events import DealCompany as Role
from ledger.rules.money import digits_of, to_minor
from projectors.models import Balance, Company, Deal, DealCompany, FinancialProduct, OwedProduct
from projectors.verification.differences import Difference, Party, compare
from projectors.verification.streams import Entity, View

Row = dict[str, Any]


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """How a table's rows are compared with the entities of a category."""

    category: str
    projector: str
    model: type[Model]
    key: str
    where: dict[str, str]
    expected: Callable[[View], Row]
    accounts: Mapping[str, str]


def _company(view: View) -> Row:
    return {"name": view.state.name, "currency": view.state.currency or ""}


def _deal(view: View) -> Row:
    deal = view.state
    return {
        "status": deal.status,
        "product_line_id": deal.product_line_id,
        "rating_tier": deal.rating_tier,
        "companies": _roles(deal.companies),
    }


def _roles(companies: Sequence[Role]) -> list[dict[str, str]]:
    return [{"company_uuid": str(company.company_uuid), "role": company.role} for company in companies]


def _balance(view: View) -> Row:
    state = view.state
    amount: Decimal = getattr(state, "value", state.balance)
    return {
        "balance": to_minor(state.balance),
        "currency": state.currency or "",
        "minor_digits": digits_of(amount),
        "status": getattr(state, "status", ""),
        "company_uuid": getattr(state, "company_uuid", None),
        "label": getattr(state, "label", ""),
    }


_MONEY = (
    "principal_outstanding",
    "principal_paid",
    "fees_incurred",
    "fees_paid",
    "fees_waived",
    "fees_outstanding",
    "principal",
)
_TERMS = ("status", "deal_uuid", "asset_uuid", "obligor_company_uuid", "due_date", "late_fee_payer_role", "reference")


def _product(view: View) -> Row:
    product = view.state
    return {
        **{column: to_minor(getattr(product, column)) for column in _MONEY},
        **{column: getattr(product, column) for column in _TERMS},
        "reference_identity": texts.identity(product.reference),
        "currency": product.currency,
        "minor_digits": digits_of(product.principal),
        "daily_late_fee_rate": f"{product.daily_late_fee_rate:f}",
        "companies": _roles(product.companies),
        "owes": bool(product.principal_outstanding or product.fees_outstanding),
        "principal_zero_position": view.zero_position,
        "owing_again_position": view.owing_again_position,
    }


def _owed_product(view: View) -> Row:
    product = view.state
    return {
        "principal": to_minor(product.principal_outstanding),
        "fees": to_minor(product.fees_outstanding),
        "company_uuid": product.obligor_company_uuid,
        "currency": product.currency,
        "minor_digits": digits_of(product.principal),
        "due_date": product.due_date,
        "owed": to_minor(product.principal_outstanding) + to_minor(product.fees_outstanding),
        "owes": bool(product.principal_outstanding or product.fees_outstanding),
        "status": product.status,
    }


_PRODUCT_ACCOUNTS: Final = {column: column for column in _MONEY} | {
    "principal_outstanding": "principal_receivable",
    "fees_outstanding": "fees_receivable",
}

_OWED_ACCOUNTS: Final = {"principal": "principal_receivable", "fees": "fees_receivable"}

COMPARISONS: Final = (
    Comparison("company", "directory", Company, "company_uuid", {}, _company, {}),
    Comparison("deal", "directory", Deal, "deal_uuid", {}, _deal, {}),
    *(
        Comparison(entity, "balances", Balance, "uuid", {"entity": entity}, _balance, {"balance": f"{entity}_balances"})
        for entity in ("company", "asset", "account")
    ),
    Comparison("product", "customers", OwedProduct, "product_uuid", {}, _owed_product, _OWED_ACCOUNTS),
    Comparison("product", "financial_products", FinancialProduct, "product_uuid", {}, _product, _PRODUCT_ACCOUNTS),
)


def compare_rows(comparison: Comparison, entities: Sequence[Entity], position: int, rows: QuerySet[Any]) -> int:
    """Compare the rows of entities of one category and return their number; raises Difference."""
    views = {UUID(entity.uuid): entity.at.get(position) for entity in entities}
    found = {
        row[comparison.key]: row
        for row in rows.filter(**comparison.where, **{f"{comparison.key}__in": [*views]}).values()
    }
    for uuid, view in views.items():
        expected = comparison.expected(view) if view is not None else None
        party = Party(comparison.category, uuid)
        compare(comparison.projector, party, expected, found.get(uuid), comparison.accounts)
    return len(found)


def compare_deal_companies(entities: Sequence[Entity], position: int, rows: QuerySet[DealCompany]) -> int:
    """Compare the rows by which deals are found by company and return their number; raises Difference."""
    expected: dict[UUID, set[tuple[UUID, str]]] = {}
    for entity in entities:
        view = entity.at.get(position)
        companies = view.state.companies if view is not None else ()
        expected[UUID(entity.uuid)] = {(company.company_uuid, company.role) for company in companies}
    found: dict[UUID, set[tuple[UUID, str]]] = {uuid: set() for uuid in expected}
    for row in rows.filter(deal_uuid__in=[*expected]):
        found[row.deal_uuid].add((row.company_uuid, row.role))
    for uuid, roles in expected.items():
        if roles != found[uuid]:
            texts = [", ".join(sorted(f"{c} as {r}" for c, r in both)) for both in (roles, found[uuid])]
            raise Difference("directory", "companies and roles", Party("deal", uuid), *texts)
    return sum(map(len, found.values()))
