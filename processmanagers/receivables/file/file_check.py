"""Reads a file of invoices and finds all its faults, before anything is recorded."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from ledger.rules import texts
from processmanagers.receivables.file.faults import Fault, FaultyFile
from processmanagers.receivables.file.file_format import FileFormat
from processmanagers.receivables.file.row_check import DATE_COLUMNS, CheckedRow, RowChecker
from processmanagers.receivables.file.table import Row, Table
from processmanagers.receivables.invoices import Invoice, Settlement, Terms


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """The invoices of a table in the order of the file, and the faults of the rows that are not among them."""

    invoices: tuple[Invoice, ...]
    faults: tuple[Fault, ...]


def check(table: Table, terms: Terms, file_format: FileFormat, today: date) -> CheckedFile:
    """Check every row of a table. `today` is the last date that may be recorded.

    An invoice is returned only if none of its rows has a fault. Raises FaultyFile if there is no row at all.
    """
    if not table.rows:
        raise FaultyFile([Fault(1, "", "the file has a header and no invoice")])
    checker = RowChecker(terms, file_format, today)
    rows = [checker.check(row.line, cells) for row in table.rows if (cells := _cells(row, table, checker)) is not None]
    invoices = list(_Invoices(checker, parts="paidamount" in table.names).group(rows))
    faults = _with_date_remedy(checker)
    faulty = {fault.line for fault in faults}
    return CheckedFile(tuple(invoice for invoice in invoices if faulty.isdisjoint(invoice.lines)), faults)


def _cells(row: Row, table: Table, checker: RowChecker) -> dict[str, str] | None:
    """Return the cells of a row by our names of their columns, or None if their number is not that of the header."""
    expected, found = len(table.names), len(row.cells)
    if found == expected:
        return dict(zip(table.names, row.cells, strict=True))
    if found < expected:
        column = table.header.cells[found].strip()
        checker.add(row.line, column, f"missing: the row has {found} of {expected} columns")
    else:
        checker.add(row.line, str(expected + 1), f"the row has {found} columns and the header {expected}")
    return None


def _with_date_remedy(checker: RowChecker) -> tuple[Fault, ...]:
    """Return the faults in order; those of dates name the date format that reads all dates, if there is one."""
    remedy = checker.dates.remedy()
    faults = sorted(checker.faults)
    if not remedy:
        return tuple(faults)
    return tuple(replace(fault, remedy=remedy) if fault.column in DATE_COLUMNS else fault for fault in faults)


class _Invoices:
    """Makes invoices of rows; several rows may be `parts` of one settlement only if there is a column PaidAmount."""

    def __init__(self, checker: RowChecker, *, parts: bool) -> None:
        self.checker, self.parts = checker, parts
        self.faulty = {fault.line for fault in checker.faults}

    def group(self, rows: Collection[CheckedRow]) -> Iterator[Invoice]:
        by_number: dict[str, list[CheckedRow]] = {}
        for row in rows:
            if row.number is None:
                continue
            earlier = by_number.setdefault(texts.identity(row.number), [])
            if earlier and not self.parts:
                self._fault(row, "invoiceNumber", f"{row.number} is already in line {earlier[0].line}")
            else:
                earlier.append(row)
        for several in by_number.values():
            invoice = self._invoice(several)
            if invoice is not None:
                yield invoice

    def _fault(self, row: CheckedRow, column: str, text: str) -> None:
        self.checker.add(row.line, column, text)

    def _invoice(self, rows: list[CheckedRow]) -> Invoice | None:
        first, *others = rows
        for row in others:
            self._check_same(first, row)
        if None in {first.customer, first.number, first.invoice_date, first.due_date, first.amount}:
            return None
        assert first.customer and first.number and first.invoice_date and first.due_date and first.amount  # noqa: S101, PT018 - for the type checker
        return Invoice(
            first.line,
            first.customer,
            first.number,
            first.invoice_date,
            first.due_date,
            first.amount,
            tuple(sorted(self._settlements(rows, first.amount), key=lambda part: (part.settled_date, part.line))),
            tuple(row.line for row in rows),
        )

    def _check_same(self, first: CheckedRow, row: CheckedRow) -> None:
        if texts.identity(first.customer or "") != texts.identity(row.customer or ""):
            self._fault(row, "customerID", f"{row.customer} differs from {first.customer} in line {first.line}")
        for column, there, here in (
            ("InvoiceDate", first.invoice_date, row.invoice_date),
            ("DueDate", first.due_date, row.due_date),
            ("InvoiceAmount", first.amount, row.amount),
        ):
            if here != there:
                self._fault(row, column, f"{here} differs from {there} in line {first.line}, for the same invoice")

    def _settlements(self, rows: list[CheckedRow], amount: Decimal) -> Iterator[Settlement]:
        left = amount
        for row in rows:
            if row.settled_date is None or row.line in self.faulty:
                continue
            if row.paid_amount is None and len(rows) > 1:
                self._fault(row, "PaidAmount", f"it is required, because invoice {row.number} has {len(rows)} rows")
                continue
            paid = amount if row.paid_amount is None else row.paid_amount
            left -= paid
            if left < 0:
                self._fault(row, "PaidAmount", f"with it {amount - left} is paid of invoice {row.number} over {amount}")
            yield Settlement(row.line, row.settled_date, paid, whole=row.paid_amount is None)
