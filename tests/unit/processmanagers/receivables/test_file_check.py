"""Every fault of a file of invoices, with its line and column."""

from datetime import date
from decimal import Decimal

import pytest

from processmanagers.receivables.file_check import check
from processmanagers.receivables.invoices import FaultyFile, Invoice, Terms

TERMS = Terms("Seller", "USD", 2, Decimal("0.001"), "%d/%m/%Y")
TODAY = date(2020, 1, 1)
HEADER = "customerID,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,SettledDate,DaysLate"
GOOD = "C1,1,03/01/2012,02/02/2012,50.39,23/01/2012,0"


def faults(*lines: str, terms: Terms = TERMS) -> list[str]:
    with pytest.raises(FaultyFile) as raised:
        check("\r\n".join(lines).encode(), terms, TODAY)
    return [str(fault) for fault in raised.value.faults]


def test_a_row_becomes_an_invoice_with_the_currencys_digits() -> None:
    lines = [HEADER, GOOD.replace("50.39", "50.3")]
    assert check("\n".join(lines).encode(), TERMS, TODAY) == (
        Invoice(2, "C1", "1", date(2012, 1, 3), date(2012, 2, 2), Decimal("50.30"), date(2012, 1, 23)),
    )


def test_an_invoice_without_settled_date_stays_open() -> None:
    (invoice,) = check(f"{HEADER}\nC1,1,03/01/2012,02/02/2012,50.39,,\n".encode(), TERMS, TODAY)
    assert invoice.settled_date is None


def test_columns_are_found_by_name_in_any_case_and_order_and_unknown_columns_are_ignored() -> None:
    header = "DISPUTED,settleddate,invoiceamount,duedate,invoicedate,INVOICENUMBER,CustomerId"
    content = f"{header}\nYes,23/01/2012,50.39,02/02/2012,03/01/2012,1,C1\n".encode()
    assert check(content, TERMS, TODAY) == check(f"{HEADER}\n{GOOD}\n".encode(), TERMS, TODAY)


def test_a_byte_order_mark_blank_lines_and_spaces_around_values_are_ignored() -> None:
    spaced = GOOD.replace(",", " , ")
    assert [invoice.line for invoice in check(f"\ufeff{HEADER}\n\n{spaced}\n\n".encode(), TERMS, TODAY)] == [3]


def test_line_numbers_count_line_ends_within_quotes() -> None:
    noted = f"{HEADER},note"
    assert faults(noted, f'{GOOD},"two\r\nlines"', f"{GOOD},") == [
        "line 4, column invoiceNumber: 1 is already in line 2"
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("C1,1,31/02/2012,02/04/2012,1,,", "InvoiceDate: '31/02/2012' is not a date of the form %d/%m/%Y"),
        ("C1,1,03/01/2012,30/02/2012,1,,", "DueDate: '30/02/2012' is not a date of the form %d/%m/%Y"),
        ("C1,1,03/01/2012,02/02/2012,1,2012-02-03,", "SettledDate: '2012-02-03' is not a date of the form %d/%m/%Y"),
        ("C1,1,,02/02/2012,1,,", "InvoiceDate: '' is not a date of the form %d/%m/%Y"),
        ("C1,1,03/01/2012,02/01/2012,1,,", "DueDate: 02/01/2012 is before the InvoiceDate 03/01/2012"),
        ("C1,1,03/01/2012,02/02/2012,1,02/01/2012,", "SettledDate: 02/01/2012 is before the InvoiceDate 03/01/2012"),
        ("C1,1,02/01/2020,02/02/2020,1,,", "InvoiceDate: 02/01/2020 is after today, 2020-01-01"),
        ("C1,1,01/01/2020,02/02/2020,1,02/01/2020,", "SettledDate: 02/01/2020 is after today, 2020-01-01"),
        ("C1,1,03/01/2012,02/02/2012,1,04/02/2012,1", "DaysLate: the file says 1, but SettledDate − DueDate is 2"),
        ("C1,1,03/01/2012,02/02/2012,1,01/02/2012,-1", "DaysLate: '-1' is not a whole number of days"),
        ("C1,1,03/01/2012,02/02/2012,1,01/02/2012,1", "DaysLate: the file says 1, but SettledDate − DueDate is 0"),
        ("C1,1,03/01/2012,02/02/2012,1.001,,", "InvoiceAmount: '1.001' is not an amount of USD: its currency has 2"),
        ("C1,1,03/01/2012,02/02/2012,1e3,,", "InvoiceAmount: '1e3' is not an amount of USD: it is not a plain"),
        ("C1,1,03/01/2012,02/02/2012,NaN,,", "InvoiceAmount: 'NaN' is not an amount of USD: it is not a plain"),
        ("C1,1,03/01/2012,02/02/2012,0,,", "InvoiceAmount: '0' is not an amount of USD: it is zero"),
        ("C1,1,03/01/2012,02/02/2012,-5,,", "InvoiceAmount: '-5' is not an amount of USD: it is below zero"),
        ("C1,1,03/01/2012,02/02/2012,,,", "InvoiceAmount: '' is not an amount of USD: it is not a plain"),
        ("C1,1,03/01/2012,02/02/2012,12345678901234567,,", "InvoiceAmount: '12345678901234567' is not an amount of"),
        (",1,03/01/2012,02/02/2012,1,,", "customerID: it is empty"),
        ("C1,,03/01/2012,02/02/2012,1,,", "invoiceNumber: it is empty"),
        (f"{'C' * 201},1,03/01/2012,02/02/2012,1,,", "customerID: it has 201 characters, more than 200"),
        ("C\x07,1,03/01/2012,02/02/2012,1,,", "customerID: it contains control characters"),
        ("C1,1,03/01/2012,02/02/2012", "InvoiceAmount: missing: the row has 4 of 7 columns"),
        (f"{GOOD},8", "8: the row has 8 columns and the header 7"),
    ],
)
def test_each_fault_names_its_line_and_column(row: str, fault: str) -> None:
    (found,) = faults(HEADER, row)
    assert found.startswith(f"line 2, column {fault}")


def test_days_late_may_have_any_number_of_leading_zeros() -> None:
    assert check(f"{HEADER}\n{GOOD}{'0' * 5000}\n".encode(), TERMS, TODAY)
    (fault,) = faults(HEADER, f"{GOOD}{'1' * 5000}")
    assert fault.startswith("line 2, column DaysLate: the file says 0111")


def test_all_faults_of_the_file_are_reported_in_order_of_lines() -> None:
    bad = "C1,2,31/02/2012,x,1.234,,"
    places = [fault.split(":")[0] for fault in faults(HEADER, GOOD, bad, GOOD, "C1")]
    assert places == [
        "line 3, column DueDate",
        "line 3, column InvoiceAmount",
        "line 3, column InvoiceDate",
        "line 4, column invoiceNumber",
        "line 5, column invoiceNumber",
    ]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "line 1: the file is empty"),
        (b"\n\n", "line 1: the file is empty"),
        (f"{HEADER}\n".encode(), "line 1: the file has a header and no invoice"),
        (f"{HEADER}\n{GOOD}\nC\xe9".encode("latin-1"), "line 3: not UTF-8: byte 2 of the line is 0xe9"),
        (f'{HEADER}\n{GOOD}\n"C1,1'.encode(), "line 3: not CSV: unexpected end of data"),
        (HEADER.replace("DueDate", "Due").encode(), "line 1, column DueDate: the column is missing"),
        (f"{HEADER},duedate".encode(), "line 1, column DueDate: the column appears twice"),
    ],
)
def test_a_file_that_is_not_a_table_of_invoices_is_refused(content: bytes, fault: str) -> None:
    with pytest.raises(FaultyFile) as raised:
        check(content, TERMS, TODAY)
    assert [str(found) for found in raised.value.faults] == [fault]


def test_another_date_format_is_read() -> None:
    terms = Terms("Seller", "JPY", 0, Decimal("0.001"), "%Y-%m-%d")
    (invoice,) = check(f"{HEADER}\nC1,1,2012-01-03,2012-02-02,500,,\n".encode(), terms, TODAY)
    assert (invoice.invoice_date, invoice.amount) == (date(2012, 1, 3), Decimal(500))
    assert faults(HEADER, "C1,1,2012-01-03,2012-02-02,50.5,,", terms=terms) == [
        "line 2, column InvoiceAmount: '50.5' is not an amount of JPY: its currency has 0 digits after the point"
    ]
