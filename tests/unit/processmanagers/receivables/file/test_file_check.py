"""Every fault of a file of invoices, with its line and column, and what the file's format changes."""

from datetime import date
from decimal import Decimal

import pytest

from processmanagers.receivables.file.faults import Fault, FaultyFile, shown
from processmanagers.receivables.file.file_check import check
from processmanagers.receivables.file.file_format import FileFormat
from processmanagers.receivables.file.table import read_table
from processmanagers.receivables.invoices import Invoice, Settlement, Terms

TERMS = Terms("Seller", "USD", 2, Decimal("0.001"))
FORMAT = FileFormat()
TODAY = date(2020, 1, 1)
HEADER = "customerID,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,SettledDate,DaysLate"
GOOD = "C1,1,03/01/2012,02/02/2012,50.39,23/01/2012,0"


def found(content: bytes, file_format: FileFormat = FORMAT, terms: Terms = TERMS) -> tuple[Fault, ...]:
    try:
        return check(read_table(content, file_format), terms, file_format, TODAY).faults
    except FaultyFile as faulty:
        return faulty.faults


def faults(*lines: str, file_format: FileFormat = FORMAT, terms: Terms = TERMS) -> list[str]:
    return [str(fault) for fault in found("\r\n".join(lines).encode(), file_format, terms)]


def invoices(content: bytes, file_format: FileFormat = FORMAT, terms: Terms = TERMS) -> tuple[Invoice, ...]:
    checked = check(read_table(content, file_format), terms, file_format, TODAY)
    assert checked.faults == ()
    return checked.invoices


def test_a_row_becomes_an_invoice_with_the_currencys_digits() -> None:
    amount, settled = Decimal("50.30"), date(2012, 1, 23)
    settlement = Settlement(2, settled, amount)
    lines = [HEADER, GOOD.replace("50.39", "50.3")]
    assert invoices("\n".join(lines).encode()) == (
        Invoice(2, "C1", "1", date(2012, 1, 3), date(2012, 2, 2), amount, (settlement,), (2,)),
    )


def test_an_invoice_without_settled_date_stays_open() -> None:
    (invoice,) = invoices(f"{HEADER}\nC1,1,03/01/2012,02/02/2012,50.39,,\n".encode())
    assert invoice.settlements == ()


def test_columns_are_found_by_name_in_any_case_and_order_and_unknown_columns_are_ignored() -> None:
    header = "DISPUTED,settleddate,invoiceamount,duedate,invoicedate,INVOICENUMBER,CustomerId"
    content = f"{header}\nYes,23/01/2012,50.39,02/02/2012,03/01/2012,1,C1\n".encode()
    assert invoices(content) == invoices(f"{HEADER}\n{GOOD}\n".encode())


def test_a_byte_order_mark_blank_lines_and_spaces_around_values_are_ignored() -> None:
    spaced = GOOD.replace(",", " , ")
    assert [invoice.line for invoice in invoices(f"\ufeff{HEADER}\n\n{spaced}\n\n".encode())] == [3]


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
        (
            "C1,1,03/01/2012,02/02/2012,0,,",
            "InvoiceAmount: '0' is not an amount of USD: it is zero; it must be above 0",
        ),
        (
            "C1,1,03/01/2012,02/02/2012,-5,,",
            "InvoiceAmount: '-5' is not an amount of USD: it is below zero; it must be above 0",
        ),
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
    assert invoices(f"{HEADER}\n{GOOD}{'0' * 5000}\n".encode())
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
        (f'{HEADER}\n{GOOD}\n"C1,1'.encode(), "line 3: not CSV: unexpected end of data"),
        (
            HEADER.replace("DueDate", "Due").encode(),
            'line 1, column DueDate: the column is missing; --map "THEIRS=DueDate" names another column for it',
        ),
        (f"{HEADER},duedate".encode(), "line 1, column DueDate: the column appears twice"),
    ],
)
def test_a_file_that_is_not_a_table_of_invoices_is_refused(content: bytes, fault: str) -> None:
    assert [str(fault) for fault in found(content)] == [fault]


def test_another_date_format_is_read() -> None:
    terms, file_format = Terms("Seller", "JPY", 0, Decimal("0.001")), FileFormat(date_format="%Y-%m-%d")
    (invoice,) = invoices(f"{HEADER}\nC1,1,2012-01-03,2012-02-02,500,,\n".encode(), file_format, terms)
    assert (invoice.invoice_date, invoice.amount) == (date(2012, 1, 3), Decimal(500))
    assert faults(HEADER, "C1,1,2012-01-03,2012-02-02,50.5,,", file_format=file_format, terms=terms) == [
        "line 2, column InvoiceAmount: '50.5' is not an amount of JPY: its currency has 0 digits after the point"
    ]


class TestEncoding:
    """A file is UTF-8, or UTF-16 with a byte order mark, or what --encoding says."""

    ROW = GOOD.replace("C1", "Café")

    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
    def test_a_byte_that_is_not_utf_8_is_found_with_or_without_a_byte_order_mark(self, mark: bytes) -> None:
        content = mark + f"{HEADER}\n{GOOD}\nC\xe9".encode("latin-1")
        (fault,) = found(content)
        assert str(fault).startswith("line 3: not UTF-8: byte 2 of the line is 0xe9; --encoding cp1252 reads")
        (fault,) = found(mark + "Caf\xe9".encode("latin-1"))
        assert str(fault).startswith("line 1: not UTF-8: byte 4 of the line is 0xe9")

    def test_cp1252_is_read_if_the_option_says_so(self) -> None:
        content = f"{HEADER}\n{self.ROW}\n".encode("cp1252")
        assert invoices(content, FileFormat(encoding="cp1252"))[0].customer == "Café"

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    def test_utf_16_is_recognised_by_its_byte_order_mark_and_that_is_said(self, encoding: str) -> None:
        text = f"{HEADER}\n{self.ROW}\n"
        content = (text if encoding == "utf-16" else f"\ufeff{text}").encode(encoding)
        assert invoices(content)[0].customer == "Café"
        assert read_table(content, FORMAT).recognised == ["the encoding is recognised: UTF-16"]

    def test_utf_16_without_a_byte_order_mark_names_the_option(self) -> None:
        content = f"{HEADER}\n{GOOD}\n".encode("utf-16-le")
        assert [str(fault) for fault in found(content)] == [
            (
                "line 1: the file contains NUL characters;"
                " --encoding utf-16-le or utf-16-be reads UTF-16 without a byte order mark"
            )
        ]
        assert invoices(content, FileFormat(encoding="utf-16-le"))

    def test_a_file_that_ends_within_a_character_of_its_encoding_is_one_fault(self) -> None:
        content = f"{HEADER}\n{GOOD}\n".encode("utf-16")[:-1]
        (fault,) = found(content)
        assert str(fault).startswith("line 2: not utf-16: byte ")


class TestDelimiter:
    """The delimiter is recognised by the header, and said unless it is a comma."""

    @pytest.mark.parametrize(("delimiter", "name"), [(";", "semicolon"), ("\t", "tab"), ("|", "bar")])
    def test_it_is_recognised_and_said(self, delimiter: str, name: str) -> None:
        content = f"{HEADER}\n{GOOD}\n".replace(",", delimiter).encode()
        assert invoices(content)[0].number == "1"
        assert read_table(content, FORMAT).recognised == [f"the delimiter is recognised: {name}"]

    def test_a_comma_is_not_said(self) -> None:
        assert read_table(f"{HEADER}\n{GOOD}\n".encode(), FORMAT).recognised == []

    def test_the_option_decides(self) -> None:
        content = f"{HEADER}\n{GOOD}\n".replace(",", "!").encode()
        assert invoices(content, FileFormat(delimiter="!"))[0].number == "1"


class TestAmounts:
    """Only --decimal allows a comma or thousands separators: "1,234" could mean two amounts."""

    @pytest.mark.parametrize(
        ("decimal", "text", "amount"),
        [
            (",", "1234,50", "1234.50"),
            (",", "1.234,50", "1234.50"),
            (",", "1.234.567", "1234567.00"),
            (",", "1 234,5", "1234.50"),
            (",", "1\u202f234,50", "1234.50"),
            (",", "1234", "1234.00"),
            (".", "1,234.50", "1234.50"),
            (".", "1'234.50", "1234.50"),
            (".", "1234.50", "1234.50"),
            (None, "1234.50", "1234.50"),
        ],
    )
    def test_an_amount_is_read(self, decimal: str | None, text: str, amount: str) -> None:
        row = GOOD.replace("50.39", f'"{text}"')
        content = f"{HEADER}\n{row}\n".encode()
        assert str(invoices(content, FileFormat(decimal=decimal))[0].amount) == amount

    @pytest.mark.parametrize(
        ("decimal", "text"),
        [
            (",", "1234.50"),
            (",", "12.34,50"),
            (",", "1.234 567,00"),
            (".", "1.234,50"),
            (".", "12,34"),
            (",", "-1,00"),
            (",", "1,2,3"),
        ],
    )
    def test_an_amount_in_another_notation_is_a_fault(self, decimal: str, text: str) -> None:
        row = GOOD.replace("50.39", f'"{text}"')
        (fault,) = faults(HEADER, row, file_format=FileFormat(decimal=decimal))
        assert fault.startswith(f"line 2, column InvoiceAmount: {text!r} is not an amount of USD: ")

    def test_without_the_option_the_fault_says_what_it_would_read(self) -> None:
        rows = [GOOD.replace("C1,1,", f"C1,{number},").replace("50.39", '"1.234,50"') for number in range(9)]
        lines = shown(found("\n".join([HEADER, *rows]).encode()))
        assert lines == [
            (
                "line 2, column InvoiceAmount: '1.234,50' is not an amount of USD: it is not a plain decimal number;"
                " --decimal , reads it as 1234.50;"
                " --decimal says which sign separates the decimals, and allows thousands separators"
                " (8 more faults of this kind)"
            )
        ]

    def test_both_readings_are_named_if_there_are_two(self) -> None:
        terms = Terms("Seller", "KWD", 3, Decimal("0.001"))
        (fault,) = faults(HEADER, GOOD.replace("50.39", '"1,234"'), terms=terms)
        assert "--decimal . reads it as 1234.000, --decimal , reads it as 1.234" in fault


class TestDates:
    """A wrong date format is one line with an example, and the format that reads the dates if there is one."""

    def rows(self, *days: str) -> bytes:
        lines = [f"C1,{number},{day},{day},1.00,{day},0" for number, day in enumerate(days)]
        return "\n".join([HEADER, *lines]).encode()

    def test_one_line_names_the_format_that_reads_all_dates(self) -> None:
        content = self.rows(*(f"2012-01-{day:02}" for day in range(1, 29)))
        assert shown(found(content)) == [
            (
                "line 2, column DueDate: '2012-01-01' is not a date of the form %d/%m/%Y;"
                " --date-format %Y-%m-%d reads all dates of the file (83 more faults of this kind)"
            )
        ]

    def test_dates_that_the_wrong_format_reads_do_not_add_lines(self) -> None:
        rows = ("C1,1,01/31/2012,02/29/2012,1.00,03/01/2012,1", "C1,2,05/01/2012,06/01/2012,1.00,06/11/2012,10")
        content = "\n".join((HEADER, *rows)).encode()
        assert shown(found(content)) == [
            (
                "line 2, column DueDate: '02/29/2012' is not a date of the form %d/%m/%Y;"
                " --date-format %m/%d/%Y reads all dates of the file (2 more faults of this kind)"
            )
        ]
        assert found(content, FileFormat(date_format="%m/%d/%Y")) == ()

    def test_one_line_gives_an_example_if_no_format_is_known(self) -> None:
        assert shown(found(self.rows("the first", "the second"))) == [
            (
                "line 2, column DueDate: 'the first' is not a date of the form %d/%m/%Y;"
                " --date-format %d/%m/%Y reads dates such as 31/12/2024 (5 more faults of this kind)"
            )
        ]

    def test_a_single_wrong_date_is_a_fault_of_its_own(self) -> None:
        assert shown(found(self.rows("01/02/2012", "31/02/2012"))) == [
            f"line 3, column {column}: '31/02/2012' is not a date of the form %d/%m/%Y"
            for column in ("DueDate", "InvoiceDate", "SettledDate")
        ]

    @pytest.mark.parametrize("day", ["01/01/1012", "31/12/1899", "01/01/3000", "01/01/0001", "31/12/9999"])
    def test_a_date_outside_the_bounds_is_a_fault(self, day: str) -> None:
        (fault,) = faults(HEADER, f"C1,1,03/01/2012,{day},1.00,,")
        assert fault == (
            f"line 2, column DueDate: {day} is not between 1900-01-01 and 2999-12-31, the first and last business date"
        )


class TestColumns:
    """Columns are found by name, and those that contradict an option are faults."""

    def test_a_column_may_have_another_name(self) -> None:
        theirs = FileFormat(columns={"debtor": "customerID", "net": "InvoiceAmount", "dayslate": ""})
        header = HEADER.replace("customerID", "Debtor").replace("InvoiceAmount", "Net")
        (invoice,) = invoices(f"{header}\n{GOOD[:-1]}wrong\n".encode(), theirs)
        assert (invoice.customer, invoice.amount) == ("C1", Decimal("50.39"))

    def test_a_mapped_column_that_the_file_lacks_is_a_fault(self) -> None:
        assert faults(HEADER, GOOD, file_format=FileFormat(columns={"net": "PaidAmount"})) == [
            "line 1, column net: --map names this column, and the file has no such column"
        ]

    def test_two_columns_of_one_name_are_a_fault(self) -> None:
        assert faults(f"{HEADER},net", f"{GOOD},1", file_format=FileFormat(columns={"net": "InvoiceAmount"})) == [
            "line 1, column InvoiceAmount: the column appears twice"
        ]

    def test_unknown_columns_are_listed_as_the_file_names_them(self) -> None:
        table = read_table(f"{HEADER},Disputed,Country Code\n{GOOD},No,770\n".encode(), FORMAT)
        assert table.unknown == ["Disputed", "Country Code"]

    @pytest.mark.parametrize(
        ("column", "value", "option"),
        [
            ("Currency", "JPY", "--currency is USD"),
            ("SELLER", "Another", "--seller is Seller"),
            ("LateFeeRate", "0.002", "--late-fee-rate is 0.001"),
            ("LateFeeRate", "much", "--late-fee-rate is 0.001"),
        ],
    )
    def test_a_column_that_contradicts_an_option_is_a_fault(self, column: str, value: str, option: str) -> None:
        header = f"{HEADER},{column}"
        (fault,) = found(f"{header}\n{GOOD},{value}\n".encode())
        assert fault.text == f"the file says {value}, but {option}"
        left_out = FileFormat(columns={column.lower(): ""})
        assert found(f"{header}\n{GOOD},{value}\n".encode(), left_out) == ()

    @pytest.mark.parametrize(
        ("column", "value"), [("Currency", "usd"), ("Currency", ""), ("LateFeeRate", "0.0010"), ("Seller", "Seller")]
    )
    def test_a_column_that_agrees_with_its_option_is_no_fault(self, column: str, value: str) -> None:
        assert faults(f"{HEADER},{column}", f"{GOOD},{value}") == []

    def test_the_days_to_settle_are_checked_like_the_days_late(self) -> None:
        assert faults(f"{HEADER},DaysToSettle", f"{GOOD},19") == [
            "line 2, column DaysToSettle: the file says 19, but SettledDate − InvoiceDate is 20"
        ]


class TestPartPayments:
    """With a column PaidAmount, an invoice may have several rows, one for each payment."""

    HEADER = "customerID,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,SettledDate,PaidAmount"

    def row(self, settled: str, paid: str, *, amount: str = "100.00", due: str = "02/02/2012") -> str:
        return f"C1,1,03/01/2012,{due},{amount},{settled},{paid}"

    def test_rows_of_one_invoice_are_its_payments_in_order_of_dates(self) -> None:
        content = "\n".join([self.HEADER, self.row("05/01/2012", "40"), self.row("04/01/2012", "60")]).encode()
        (invoice,) = invoices(content)
        assert invoice.lines == (2, 3)
        assert invoice.settlements == (
            Settlement(3, date(2012, 1, 4), Decimal("60.00"), whole=False),
            Settlement(2, date(2012, 1, 5), Decimal("40.00"), whole=False),
        )

    def test_a_row_without_paid_amount_settles_the_whole_invoice(self) -> None:
        (invoice,) = invoices(f"{self.HEADER}\n{self.row('05/01/2012', '')}\n".encode())
        assert invoice.settlements == (Settlement(2, date(2012, 1, 5), Decimal("100.00"), whole=True),)

    def test_an_open_invoice_may_have_a_paid_amount_of_zero(self) -> None:
        (invoice,) = invoices(f"{self.HEADER}\n{self.row('', '0.00')}\n".encode())
        assert invoice.settlements == ()

    @pytest.mark.parametrize(
        ("rows", "fault"),
        [
            ([("05/01/2012", "60"), ("06/01/2012", "40.01")], "PaidAmount: with it 100.01 is paid of invoice 1 over"),
            ([("05/01/2012", "60"), ("06/01/2012", "")], "PaidAmount: it is required, because invoice 1 has 2 rows"),
            ([("05/01/2012", "60"), ("", "40")], "SettledDate: it is empty, but PaidAmount is 40"),
            (
                [("05/01/2012", "60"), ("06/01/2012", "0")],
                "PaidAmount: '0' is not an amount of USD: it is zero; it must be above 0",
            ),
        ],
    )
    def test_payments_that_make_no_sense_are_faults(self, rows: list[tuple[str, str]], fault: str) -> None:
        (found_fault,) = faults(self.HEADER, *(self.row(*row) for row in rows))
        assert found_fault.startswith(f"line 3, column {fault}")

    def test_rows_of_one_invoice_must_agree(self) -> None:
        assert faults(
            self.HEADER,
            self.row("05/01/2012", "60"),
            self.row("06/01/2012", "40", amount="101.00", due="03/02/2012").replace("C1", "C2"),
        ) == [
            "line 3, column DueDate: 2012-02-03 differs from 2012-02-02 in line 2, for the same invoice",
            "line 3, column InvoiceAmount: 101.00 differs from 100.00 in line 2, for the same invoice",
            "line 3, column customerID: C2 differs from C1 in line 2",
        ]

    def test_without_the_column_a_second_row_is_a_fault(self) -> None:
        assert faults(HEADER, GOOD, GOOD) == ["line 3, column invoiceNumber: 1 is already in line 2"]


def test_an_invoice_with_a_faulty_row_is_not_among_the_invoices() -> None:
    header = f"{HEADER},PaidAmount"
    rows = [f"{GOOD},10", f"{GOOD},x", f"{GOOD.replace('C1,1,', 'C1,2,')},10"]
    table = read_table("\n".join([header, *rows]).encode(), FORMAT)
    checked = check(table, TERMS, FORMAT, TODAY)
    assert [invoice.number for invoice in checked.invoices] == ["2"]
    assert [fault.line for fault in checked.faults] == [3]


def test_faulty_rows_are_written_as_the_file_has_them() -> None:
    content = f'\ufeff{HEADER}\r\n{GOOD}\r\n"C;1",2,"x\r\ny"\r\n{GOOD}'.encode()
    table = read_table(content, FORMAT)
    assert table.selection({3, 5}) == f'\ufeff{HEADER}\r\n"C;1",2,"x\r\ny"\r\n{GOOD}\r\n'.encode()
    utf16 = content.decode("utf-8-sig").encode("utf-16")
    assert read_table(utf16, FORMAT).selection({3}).decode("utf-16") == f'{HEADER}\r\n"C;1",2,"x\r\ny"\r\n'


def test_at_most_twenty_faults_are_shown() -> None:
    rows = [f"C1,{number},03/01/2012,02/02/2012,0,," for number in range(25)]
    lines = shown(found("\n".join([HEADER, *rows]).encode()))
    assert len(lines) == 21
    assert lines[-1] == "5 more faults; --faults FILE writes all of them"
