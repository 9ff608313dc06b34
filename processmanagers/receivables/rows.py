"""What a file of invoices says, once it has been checked, and the faults that checking finds."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """What the file itself does not say: how it is to be read, and under which terms it is to be recorded."""

    seller: str
    currency: str
    digits: int
    daily_late_fee_rate: Decimal
    date_format: str


@dataclass(frozen=True, slots=True)
class Invoice:
    """One row: an invoice to a customer, and its settlement where there has been one."""

    line: int
    customer: str
    number: str
    invoice_date: date
    due_date: date
    amount: Decimal
    settled_date: date | None


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong, in which line (counted from 1, the header included) and in which column."""

    line: int
    column: str
    text: str

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        return f"line {self.line}{column}: {self.text}"


class FaultyFile(Exception):
    """The file cannot be recorded, and nothing was; `faults` are all that is wrong with it."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults
