"""Compares each party's accounts in the journal with the state that its stream folds to.

A figure is debits less credits in minor units; balances are liabilities and therefore below zero.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from ledger.rules.money import digits_of, to_minor
from projectors.models import JournalLine
from projectors.schema.sums import ExactSum
from projectors.verification.differences import Difference, Money, Party
from projectors.verification.streams import Entity, View

Figures = dict[str, Money]
"""By account."""


class PartyAccounts:
    """Compares the journal with the folded streams, party by party, and sums what each account must be in total."""

    def __init__(self, position: int, lines: QuerySet[JournalLine], in_transit: Mapping[UUID, Money]) -> None:
        self._position = position
        self._lines = lines
        self._in_transit = in_transit
        self.totals: dict[tuple[str, str], int] = {}
        self.parties = 0

    def compare(self, category: str, entities: Sequence[Entity]) -> None:
        """Compare the accounts of parties of one category; raises Difference."""
        expected = {UUID(entity.uuid): self._expected(category, entity) for entity in entities}
        found: dict[UUID, Figures] = {uuid: {} for uuid in expected}
        for row in self._sums(category, [*expected]):
            money = Money(row["debits"] - row["credits"], row["currency"], row["minor_digits"])
            if money.minor:  # A party that has changed its currency has zero in the old one.
                found[row["party_uuid"]][row["account"]] = money
        for uuid, figures in expected.items():
            _compare(Party(category, uuid), figures, found[uuid])
            for account, money in figures.items():
                key = (account, money.currency)
                self.totals[key] = self.totals.get(key, 0) + money.minor
        self.parties += len(expected)

    def _expected(self, category: str, entity: Entity) -> Figures:
        if category == "grant":
            in_transit = self._in_transit.get(UUID(entity.uuid))
            return {"grants_in_transit": in_transit} if in_transit is not None else {}
        view = entity.at.get(self._position)
        return _FIGURES[category](view) if view is not None and view.state.currency else {}

    def _sums(self, category: str, uuids: Sequence[UUID]) -> Iterable[Mapping[str, Any]]:
        of_parties = self._lines.filter(party_type=category, party_uuid__in=uuids)
        keys = ("party_uuid", "account", "currency", "minor_digits")
        sums: Iterable[Mapping[str, Any]] = of_parties.values(*keys).annotate(
            debits=ExactSum("debit"), credits=ExactSum("credit")
        )
        return sums


def _compare(party: Party, expected: Figures, found: Figures) -> None:
    for account in sorted(expected.keys() | found.keys()):
        one = expected.get(account) or found[account]._replace(minor=0)
        other = found.get(account) or one._replace(minor=0)
        if one != other:
            raise Difference("journal", account, party, one, other)


def _figures(view: View, amounts: Mapping[str, Decimal]) -> Figures:
    currency = view.state.currency
    moneys = {account: Money(to_minor(amount), currency, digits_of(amount)) for account, amount in amounts.items()}
    return {account: money for account, money in moneys.items() if money.minor}


def _of_balance(account: str) -> Callable[[View], Figures]:
    def figures(view: View) -> Figures:
        cleared = {"clearing_in": view.cleared_in, "clearing_out": -view.cleared_out}
        return _figures(view, {account: -view.state.balance, **cleared})

    return figures


def _of_product(view: View) -> Figures:
    product = view.state
    return _figures(
        view,
        {
            "principal_receivable": product.principal_outstanding,
            "fees_receivable": product.fees_outstanding,
            "product_funding": -product.principal,
            "late_fee_income": -product.fees_incurred,
            "clearing_in": product.principal_paid + product.fees_paid + product.recovered,
            "recovery_income": -product.recovered,
            "write_off_losses": product.principal_written_off,
            "late_fee_waivers": product.fees_waived,
            "late_fee_write_offs": product.fees_written_off,
        },
    )


_FIGURES: Final[Mapping[str, Callable[[View], Figures]]] = {
    "company": _of_balance("company_balances"),
    "asset": _of_balance("asset_balances"),
    "account": _of_balance("account_balances"),
    "product": _of_product,
}
