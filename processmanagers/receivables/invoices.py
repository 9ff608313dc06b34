"""The invoices of a checked file, the terms of the import, and the faults that checks find."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """The options of an import: how to read the file, and what it does not say itself."""

    seller: str
    currency: str
    digits: int
    daily_late_fee_rate: Decimal
    date_format: str


@dataclass(frozen=True, slots=True)
class Invoice:
    """One row: an invoice to a customer, and the date of its settlement if it is settled."""

    line: int
    customer: str
    number: str
    invoice_date: date
    due_date: date
    amount: Decimal
    settled_date: date | None


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong, with its line (the header is line 1) and its column."""

    line: int
    column: str
    text: str

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        return f"line {self.line}{column}: {self.text}"


class FaultyFile(Exception):
    """The file has `faults`, and nothing was recorded."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults
