"""The invoices of a checked file, and the terms under which they are imported."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """What the file does not say itself: whose invoices they are, their currency and their late-fee rate."""

    seller: str
    currency: str
    digits: int
    daily_late_fee_rate: Decimal


@dataclass(frozen=True, slots=True)
class Settlement:
    """One payment of an invoice; `whole` if the file does not say how much was paid."""

    line: int
    settled_date: date
    amount: Decimal
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice to a customer, with its settlements in order of their dates. `lines` are those of its rows."""

    line: int
    customer: str
    number: str
    invoice_date: date
    due_date: date
    amount: Decimal
    settlements: tuple[Settlement, ...] = ()
    lines: tuple[int, ...] = ()
