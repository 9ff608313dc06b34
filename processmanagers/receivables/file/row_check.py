"""Checks one row of a file of invoices: each cell by itself, then the cells against each other and the options."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from ledger.rules import money, texts
from ledger.rules.dates import FIRST_DATE, LAST_DATE
from ledger.rules.refusals.fields import InvalidAmount, InvalidText
from processmanagers.receivables.file.amounts import read_amount, readable_with
from processmanagers.receivables.file.dates import DateCells
from processmanagers.receivables.file.faults import Fault
from processmanagers.receivables.file.file_format import FileFormat
from processmanagers.receivables.invoices import Terms

DATE_COLUMNS: Final = frozenset({"InvoiceDate", "DueDate", "SettledDate", "DaysLate", "DaysToSettle"})
"""The columns whose faults a wrong date format may cause."""


@dataclass(slots=True)
class CheckedRow:
    """What a row says; None for what is empty or faulty."""

    line: int
    customer: str | None
    number: str | None
    invoice_date: date | None
    due_date: date | None
    amount: Decimal | None
    settled_date: date | None
    paid_amount: Decimal | None


@dataclass(slots=True)
class RowChecker:
    """Checks rows and collects their faults. `today` is the last date that may be recorded."""

    terms: Terms
    file_format: FileFormat
    today: date
    faults: list[Fault] = field(default_factory=list)
    dates: DateCells = field(init=False)

    def __post_init__(self) -> None:
        """Read dates by the format of the file."""
        self.dates = DateCells(self.file_format.date_format)

    def check(self, line: int, cells: dict[str, str]) -> CheckedRow:
        """Return what the row says, and add its faults."""
        row = _Row(self, line, cells)
        checked = CheckedRow(
            line,
            row.name("customerID"),
            row.name("invoiceNumber"),
            row.day("InvoiceDate"),
            row.day("DueDate"),
            row.amount("InvoiceAmount"),
            row.day("SettledDate") if row.cell("SettledDate") else None,
            row.paid_amount(),
        )
        row.check_dates(checked)
        row.check_days("DaysLate", checked.due_date, checked.settled_date)
        row.check_days("DaysToSettle", checked.invoice_date, checked.settled_date)
        row.check_options()
        return checked

    def add(self, line: int, column: str, text: str, remedy: str = "") -> None:
        """Add a fault."""
        self.faults.append(Fault(line, column, text, remedy))


@dataclass(slots=True)
class _Row:
    checker: RowChecker
    line: int
    cells: dict[str, str]

    def cell(self, column: str) -> str:
        return self.cells.get(column.lower(), "").strip()

    def fault(self, column: str, text: str, remedy: str = "") -> None:
        self.checker.add(self.line, column, text, remedy)

    def name(self, column: str) -> str | None:
        try:
            return texts.text(column, self.cell(column))
        except InvalidText as refusal:
            self.fault(column, refusal.reason)
            return None

    def day(self, column: str) -> date | None:
        text = self.cell(column)
        day = self.checker.dates.read(text)
        if day is None:
            self.fault(column, f"{text!r} is not a date of the form {self.checker.file_format.date_format}")
        elif not FIRST_DATE <= day <= LAST_DATE:
            self.fault(column, f"{text} is not between {FIRST_DATE} and {LAST_DATE}, the first and last business date")
            return None
        return day

    def amount(self, column: str) -> Decimal | None:
        text, terms = self.cell(column), self.checker.terms
        try:
            return read_amount(text, terms.digits, self.checker.file_format.decimal)
        except InvalidAmount as refusal:
            rule = "; it must be above 0" if refusal.reason in {money.ZERO, money.BELOW_ZERO} else ""
            fault = f"{text!r} is not an amount of {terms.currency}: {refusal.reason}{rule}"
            readable = "" if self.checker.file_format.decimal else readable_with(text, terms.digits)
            self.fault(column, f"{fault}; {readable}" if readable else fault, _DECIMAL_REMEDY if readable else "")
            return None

    def paid_amount(self) -> Decimal | None:
        text = self.cell("PaidAmount")
        if not text:
            return None
        if not self.cell("SettledDate"):
            if text.strip("0.,"):
                self.fault("SettledDate", f"it is empty, but PaidAmount is {text}")
            return None
        return self.amount("PaidAmount")

    def check_dates(self, checked: CheckedRow) -> None:
        """Check that no date is before the InvoiceDate, and that nothing is recorded on a date after today."""
        invoiced = checked.invoice_date
        for column, later in (("DueDate", checked.due_date), ("SettledDate", checked.settled_date)):
            if invoiced is not None and later is not None and later < invoiced:
                self.fault(column, f"{self.cell(column)} is before the InvoiceDate {self.cell('InvoiceDate')}")
        for column, day in (("InvoiceDate", invoiced), ("SettledDate", checked.settled_date)):
            if day is not None and day > self.checker.today:
                self.fault(column, f"{self.cell(column)} is after today, {self.checker.today}")

    def check_days(self, column: str, since: date | None, until: date | None) -> None:
        """Check a number of days that the file gives against the dates that it counts from and to."""
        text = self.cell(column)
        if not text:
            return
        if not (text.isascii() and text.isdigit()):
            self.fault(column, f"{text!r} is not a whole number of days")
        elif since is not None and until is not None:
            days = max(0, (until - since).days)
            # Compared as text: Python refuses to convert thousands of digits to a number.
            if (text.lstrip("0") or "0") != str(days):
                self.fault(column, f"the file says {text}, but SettledDate − {_SINCE[column]} is {days}")

    def check_options(self) -> None:
        """Check the columns that say what an option says too."""
        terms = self.checker.terms
        if (currency := self.cell("Currency")) and currency.upper() != terms.currency:
            self._contradicts("Currency", currency, "--currency", terms.currency)
        if (seller := self.cell("Seller")) and seller != terms.seller:
            self._contradicts("Seller", seller, "--seller", terms.seller)
        if (rate := self.cell("LateFeeRate")) and not _is_rate(rate, terms.daily_late_fee_rate):
            self._contradicts("LateFeeRate", rate, "--late-fee-rate", str(terms.daily_late_fee_rate))

    def _contradicts(self, column: str, value: str, option: str, given: str) -> None:
        remedy = f'{option} must be the same in all rows; --map "{column}=" leaves the column out'
        self.fault(column, f"the file says {value}, but {option} is {given}", remedy)


_SINCE: Final = {"DaysLate": "DueDate", "DaysToSettle": "InvoiceDate"}
_DECIMAL_REMEDY: Final = "--decimal says which sign separates the decimals, and allows thousands separators"


def _is_rate(text: str, rate: Decimal) -> bool:
    try:
        return Decimal(text) == rate
    except ArithmeticError:
        return False
