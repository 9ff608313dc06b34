"""Reads a file of invoices and finds all its faults, before anything is recorded."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from ledger.rules import texts
from ledger.rules.money import parse_amount
from ledger.rules.refusals.fields import InvalidAmount, InvalidText
from processmanagers.receivables.invoices import Fault, FaultyFile, Invoice, Terms

NEEDED: Final = ("customerID", "invoiceNumber", "InvoiceDate", "DueDate", "InvoiceAmount", "SettledDate")
_NAMES: Final = {name.lower(): name for name in (*NEEDED, "DaysLate")}


def check(content: bytes, terms: Terms, today: date) -> tuple[Invoice, ...]:
    """Return the invoices of a file in the order of the file; raises FaultyFile with every fault.

    `today` is the last date that may be recorded.
    """
    check = _Check(terms, today)
    invoices = tuple(check.invoices(content))
    if check.faults:
        raise FaultyFile(tuple(sorted(check.faults)))
    if not invoices:
        raise FaultyFile((Fault(1, "", "the file has a header and no invoice"),))
    return invoices


@dataclass(slots=True)
class _Check:
    terms: Terms
    today: date
    faults: list[Fault] = field(default_factory=list)
    first_lines: dict[str, int] = field(default_factory=dict)

    def invoices(self, content: bytes) -> Iterator[Invoice]:
        rows = self._rows(content)
        _, header = next(rows, (1, None))
        if header is None:
            if not self.faults:
                self.faults.append(Fault(1, "", "the file is empty"))
            return
        names = [name.strip().lower() for name in header]
        if not self._header_is_complete(names):
            return
        for line, cells in rows:
            if len(cells) == len(names):
                invoice = self._invoice(_Row(line, dict(zip(names, cells, strict=True)), self))
                if invoice is not None:
                    yield invoice
            elif len(cells) < len(names):
                text = f"missing: the row has {len(cells)} of {len(names)} columns"
                self.faults.append(Fault(line, header[len(cells)].strip(), text))
            else:
                text = f"the row has {len(cells)} columns and the header {len(names)}"
                self.faults.append(Fault(line, str(len(names) + 1), text))

    def _rows(self, content: bytes) -> Iterator[tuple[int, list[str]]]:
        """Yield each row that is not blank, with the line at which it begins."""
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = content[: error.start]
            in_line = error.start - (before.rfind(b"\n") + 1) + 1
            fault = f"not UTF-8: byte {in_line} of the line is 0x{content[error.start]:02x}"
            self.faults.append(Fault(before.count(b"\n") + 1, "", fault))
            return
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        line = 1
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            self.faults.append(Fault(line, "", f"not CSV: {error}"))

    def _header_is_complete(self, names: Sequence[str]) -> bool:
        faults = [Fault(1, name, "the column is missing") for name in NEEDED if name.lower() not in names]
        twice = [key for key in _NAMES if names.count(key) > 1]
        faults += [Fault(1, _NAMES[key], "the column appears twice") for key in twice]
        self.faults += faults
        return not faults

    def _invoice(self, row: "_Row") -> Invoice | None:
        customer, number = row.text_of("customerID"), row.text_of("invoiceNumber")
        invoice_date, due_date = row.date_of("InvoiceDate"), row.date_of("DueDate")
        amount = row.amount_of("InvoiceAmount")
        settled_date = row.date_of("SettledDate") if row.cell("SettledDate") else None
        if number is not None:
            first = self.first_lines.setdefault(texts.identity(number), row.line)
            if first != row.line:
                row.fault("invoiceNumber", f"{number} is already in line {first}")
        row.check_order(invoice_date, due_date, settled_date)
        row.check_past("InvoiceDate", invoice_date)
        row.check_past("SettledDate", settled_date)
        row.check_days_late(due_date, settled_date)
        if None in (customer, number, invoice_date, due_date, amount):
            return None
        assert customer and number and invoice_date and due_date and amount  # noqa: S101, PT018 - for the type checker
        return Invoice(row.line, customer, number, invoice_date, due_date, amount, settled_date)


@dataclass(slots=True)
class _Row:
    line: int
    cells: dict[str, str]
    check: _Check

    def cell(self, column: str) -> str:
        return self.cells.get(column.lower(), "").strip()

    def fault(self, column: str, text: str) -> None:
        self.check.faults.append(Fault(self.line, column, text))

    def text_of(self, column: str) -> str | None:
        try:
            return texts.text(column, self.cell(column))
        except InvalidText as refusal:
            self.fault(column, refusal.reason)
            return None

    def date_of(self, column: str) -> date | None:
        text = self.cell(column)
        try:
            return datetime.strptime(text, self.check.terms.date_format).date()  # noqa: DTZ007 - a date has no zone
        except ValueError:
            self.fault(column, f"{text!r} is not a date of the form {self.check.terms.date_format}")
            return None

    def amount_of(self, column: str) -> Decimal | None:
        text = self.cell(column)
        try:
            return parse_amount(text, self.check.terms.digits)
        except InvalidAmount as refusal:
            self.fault(column, f"{text!r} is not an amount of {self.check.terms.currency}: {refusal.reason}")
            return None

    def check_order(self, invoice_date: date | None, due_date: date | None, settled_date: date | None) -> None:
        for column, later in (("DueDate", due_date), ("SettledDate", settled_date)):
            if invoice_date is not None and later is not None and later < invoice_date:
                self.fault(column, f"{self.cell(column)} is before the InvoiceDate {self.cell('InvoiceDate')}")

    def check_past(self, column: str, day: date | None) -> None:
        if day is not None and day > self.check.today:
            self.fault(column, f"{self.cell(column)} is after today, {self.check.today}")

    def check_days_late(self, due_date: date | None, settled_date: date | None) -> None:
        text = self.cell("DaysLate")
        if not text:
            return
        if not (text.isascii() and text.isdigit()):
            self.fault("DaysLate", f"{text!r} is not a whole number of days")
        elif due_date is not None and settled_date is not None:
            days = max(0, (settled_date - due_date).days)
            # Compared as text: Python refuses to convert thousands of digits to a number.
            if (text.lstrip("0") or "0") != str(days):
                self.fault("DaysLate", f"the file says {text}, but SettledDate − DueDate is {days}")
