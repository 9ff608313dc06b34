"""The proof of a figure: independent ways to it, all at one position."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Q

from eventstore.records import RecordedEvent
from ledger.rules.money import from_minor
from projectors.explain.figures import Cut, Proof, Way
from projectors.models import Balance, FinancialProduct, JournalLine
from projectors.queries.live import live, position_of
from projectors.schema.sums import ExactSum

RECEIVABLES: Final = ("principal_receivable", "fees_receivable")


def of_product(product_uuid: UUID, folded: Decimal, cut: Cut, events: Sequence[RecordedEvent]) -> Proof:
    """Return the proof of what a product owes: its stream folded, the journal's receivables, the read model's row."""
    last = events[-1].position
    ways = (
        Way("the stream folded", folded),
        _journal("the journal's receivables of this product", product_uuid, RECEIVABLES, cut, last),
        _row_of_product(product_uuid, cut, last),
    )
    return Proof(cut.position, ways)


def of_balance(category: str, uuid: UUID, folded: Decimal, cut: Cut, last: int) -> Proof:
    """Return the proof of a balance: its stream folded, the journal's account of it, the read model's row."""
    credits_less_debits = _journal("the journal", uuid, (f"{category}_balances",), cut, last)
    amount = credits_less_debits.amount
    ways = (
        Way("the stream folded", folded),
        credits_less_debits if amount is None else Way(credits_less_debits.name, -amount),
        _row_of_balance(category, uuid, cut, last),
    )
    return Proof(cut.position, ways)


def _journal(name: str, party_uuid: UUID, accounts: Sequence[str], cut: Cut, last: int) -> Way:
    """Return debits less credits of a party's accounts; not comparable if the journal is behind the last event."""
    reached = position_of(JournalLine)
    if reached < last:
        return Way(name, None, f"the journal is behind: it is at position {reached}")
    lines = live(JournalLine).filter(party_uuid=party_uuid, account__in=accounts, position__lte=cut.position)
    if cut.until is not None:
        lines = lines.filter(Q(business_date__isnull=True) | Q(business_date__lte=cut.until))
    sums = (
        lines.values("minor_digits")
        .annotate(debits=ExactSum("debit"), credits=ExactSum("credit"))
        .order_by("minor_digits")
    )
    total = sum((from_minor(int(s["debits"]) - int(s["credits"]), s["minor_digits"]) for s in sums), Decimal(0))
    return Way(name, total)


def _row_of_product(product_uuid: UUID, cut: Cut, last: int) -> Way:
    row = live(FinancialProduct).filter(product_uuid=product_uuid).first()
    kept = None if row is None else from_minor(row.principal_outstanding + row.fees_outstanding, row.minor_digits)
    return _row(row, kept, position_of(FinancialProduct), cut, last)


def _row_of_balance(category: str, uuid: UUID, cut: Cut, last: int) -> Way:
    row = live(Balance).filter(entity=category, uuid=uuid).first()
    kept = None if row is None else from_minor(row.balance, row.minor_digits)
    return _row(row, kept, position_of(Balance), cut, last)


def _row(row: FinancialProduct | Balance | None, kept: Decimal | None, reached: int, cut: Cut, last: int) -> Way:
    name = "the read model"
    if row is None or reached < last:
        return Way(name, None, f"the read model is behind: it is at position {reached}")
    if row.position > last or cut.until is not None:
        return Way(name, None, "the read model keeps only the present")
    return Way(name, kept)
