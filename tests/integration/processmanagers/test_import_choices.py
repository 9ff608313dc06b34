"""What the options of import_receivables allow, and what the import says before it records anything."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.models import Checkpoint
from ledger import as_of, daily_cycle, handlers, states
from ledger.rules.commands import ApplyPayment, ReversePayment
from processmanagers.receivables import ids
from tests.support.databases import Database
from tests.support.ledger.book import run_late_fees
from tests.support.ledger.importer import FIRST, ROWS, SECOND, THIRD, Importer
from tests.support.ledger.invoices import Row, content, counted


@pytest.fixture
def importer(database: Database, tmp_path: Path) -> Importer:
    return Importer(tmp_path / "invoices.csv")


TERMS = (
    "for good: the seller 'Seller' (--seller), late fees of 0.001 a day (--late-fee-rate), amounts in USD (--currency),"
    " dates read as %d/%m/%Y (--date-format)"
)


@pytest.mark.one_database
class TestGaps:
    """A mistyped year does not begin years of dates, each with its late fees."""

    @pytest.mark.parametrize(
        ("rows", "fault"),
        [
            (
                [replace(ROWS[0], settled_date=date(2025, 3, 3)), *ROWS[1:]],
                (
                    "line 2, column SettledDate: 2025-03-03 is 366 days after 2024-03-02, the date before it"
                    " in the file (line 4)"
                ),
            ),
            (
                [*ROWS, Row("C-1", "4", date(2023, 2, 28), FIRST, "1.00", None)],
                (
                    "line 5, column InvoiceDate: 2023-02-28 is 367 days before 2024-03-01, the next date of the file"
                    " (line 2)"
                ),
            ),
        ],
    )
    def test_a_gap_between_two_dates_of_the_file_is_a_fault_that_names_the_odd_line(
        self, importer: Importer, rows: list[Row], fault: str, settings: LazySettings
    ) -> None:
        settings.DAILY_CYCLE_MAX_GAP_DAYS = 365
        (found,) = importer.faults(*rows)
        assert found == (
            f"{fault}; at most 365 are begun at once;"
            " check the year; if it is right, --catch-up begins every date between"
        )
        assert not Checkpoint.objects.using("default").exists()

    def test_a_gap_after_the_last_date_cycled_is_a_fault(self, importer: Importer) -> None:
        daily_cycle.cycle(date(2023, 2, 28))
        (fault,) = importer.faults(*ROWS)
        assert fault.startswith(
            "line 2, column InvoiceDate: 2024-03-01 is 367 days after 2023-02-28, the last date cycled; at most 366"
        )

    def test_a_gap_of_the_most_days_is_none(self, importer: Importer, settings: LazySettings) -> None:
        settings.DAILY_CYCLE_MAX_GAP_DAYS = 8
        importer(*ROWS, Row("C-1", "4", date(2024, 3, 10), date(2024, 3, 11), "1.00", None))
        assert counted("SystemCycled") == 10

    def test_catch_up_begins_every_date_between(self, importer: Importer, settings: LazySettings) -> None:
        settings.DAILY_CYCLE_MAX_GAP_DAYS = 8
        importer(*ROWS, Row("C-1", "4", date(2024, 3, 20), date(2024, 3, 20), "1.00", None), catch_up=True)
        assert counted("SystemCycled") == 20

    def test_a_second_run_of_a_file_with_a_gap_records_nothing(
        self, importer: Importer, settings: LazySettings
    ) -> None:
        settings.DAILY_CYCLE_MAX_GAP_DAYS = 8
        rows = (*ROWS, Row("C-1", "4", date(2024, 3, 20), date(2024, 3, 20), "1.00", None))
        importer(*rows, catch_up=True)
        before = store.head()
        importer(*rows)
        assert store.head() == before


@pytest.mark.one_database
class TestAnnouncement:
    """Before anything is recorded, the import says what it is about to record."""

    def test_it_says_dates_invoices_and_sums(self, importer: Importer) -> None:
        importer(*ROWS)
        assert importer.lines() == [
            "to record: 2 dates from 2024-03-01 to 2024-03-02; 3 invoices of 220.50 USD; 2 settlements of 170.00 USD",
            TERMS,
        ]
        terms = "of the seller 'Seller', in USD, with late fees of 0.001 a day"
        assert importer.report.startswith(f"invoices.csv: 3 invoices, 2024-03-01 to 2024-03-02, {terms}\n")
        daily_cycle.cycle(THIRD)
        importer(*ROWS, Row("C-1", "4", THIRD, THIRD, "1.00", None))
        assert importer.lines() == [
            "to record: on 2024-03-03, which has begun; 1 invoices of 1.00 USD; 0 settlements of 0 USD",
            TERMS,
        ]
        importer(*ROWS, Row("C-1", "4", THIRD, THIRD, "1.00", None))
        assert importer.lines() == []

    def test_unknown_columns_are_listed_once(self, importer: Importer) -> None:
        importer(*ROWS)
        assert importer.errors.count("columns that are not imported: Disputed\n") == 1

    @pytest.mark.parametrize(("answer", "recorded"), [("y\n", True), ("yes\n", True), ("\n", False), ("", False)])
    def test_a_terminal_is_asked(
        self, importer: Importer, monkeypatch: pytest.MonkeyPatch, answer: str, *, recorded: bool
    ) -> None:
        class Terminal(StringIO):
            def isatty(self) -> bool:
                return True

        monkeypatch.setattr("sys.stdin", Terminal(answer))
        importer.path.write_text(content(list(ROWS)))
        errors = Terminal()
        expected = nullcontext() if recorded else pytest.raises(CommandError, match="nothing was recorded")
        with expected:
            call_command("import_receivables", str(importer.path), stdout=StringIO(), stderr=errors)
        assert "Record it for the seller 'Seller', with late fees of 0.001 a day? [y/N] " in errors.getvalue()
        assert (store.head().position > 0) is recorded

    def test_yes_continues_without_a_question(self, importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
        class Terminal(StringIO):
            def isatty(self) -> bool:
                return True

        monkeypatch.setattr("sys.stdin", Terminal(""))
        importer.path.write_text(content(list(ROWS)))
        errors = Terminal()
        call_command("import_receivables", str(importer.path), "--yes", stdout=StringIO(), stderr=errors)
        assert "Record it" not in errors.getvalue()
        assert counted("ProductOriginated") == 3


class TestLateFees:
    """The fees of a date are charged before the next date begins, so both ways of reporting a past date agree."""

    ROWS = (
        Row("C-1", "1", FIRST, FIRST, "1000.00", date(2024, 3, 4)),
        Row("C-2", "2", FIRST, FIRST, "2000.00", date(2024, 3, 9)),
    )

    def test_the_fees_of_each_date_are_complete_before_the_next_begins(self, importer: Importer) -> None:
        importer(*self.ROWS)
        order = [event.type for event in store.read_all(types=["SystemCycled", "LateFeesAssessed"])]
        assert order == ["SystemCycled", "LateFeesAssessed"] * 9
        assert counted("LateFeeIncurred") == 3 + 8
        for fee in store.read_all(types=["LateFeeIncurred"]):
            assert as_of.booking_date(fee.position) == fee.data.business_date

    def test_without_late_fees_they_are_left_to_a_later_run(self, importer: Importer) -> None:
        importer(*self.ROWS, without_late_fees=True)
        assert counted("LateFeesAssessed") == 0
        run_late_fees()
        assert counted("LateFeeIncurred") == 3 + 8
        assert counted("LateFeesAssessed") == 9

    def test_an_import_that_ended_before_the_fees_of_its_date_charges_them_first(self, importer: Importer) -> None:
        importer(*self.ROWS, without_late_fees=True)
        importer(*self.ROWS, Row("C-1", "3", date(2024, 3, 9), date(2024, 3, 20), "1.00", None))
        assert counted("LateFeeIncurred") == 3 + 8
        assert counted("LateFeesAssessed") == 9

    def test_a_database_that_is_away_is_reported_and_ends_the_wait(self, database: Database) -> None:
        run_late_fees()
        lines: list[str] = []
        before, connection = dict(connections["default"].settings_dict), connections["default"]
        connection.close()
        away = {"NAME": "/nowhere/ledger.sqlite3"} if database.vendor == "sqlite" else {"HOST": "/nowhere"}
        connection.settings_dict.update(away)
        try:
            with pytest.raises(OperationalError):
                catch_up("late_fees", report=lines.append, patience_s=0.2)
        finally:
            connection.close()
            connection.settings_dict.update(before)
        assert lines
        assert all(line.startswith("the database is away: ") for line in lines)

    def test_a_paused_late_fees_refuses_the_import_before_anything_is_recorded(self, importer: Importer) -> None:
        run_late_fees()
        call_command("consumers", "pause", "late_fees", "--reason", "month end")
        with pytest.raises(CommandError, match="late_fees is paused"):
            importer(*self.ROWS)
        assert store.head().position == 0
        importer(*self.ROWS, without_late_fees=True)
        assert counted("SystemCycled") == 9


@pytest.mark.one_database
class TestToldLate:
    """A settlement that the source reports late is recorded on the open date, with its own date in the metadata."""

    def test_a_late_settlement_is_recorded_on_the_last_date_cycled_and_shown(self, importer: Importer) -> None:
        importer(*ROWS)
        late = (ROWS[0], replace(ROWS[1], settled_date=FIRST), ROWS[2])
        importer(*late)
        assert importer.lines() == [
            "line 3: the settlement of 2024-03-01 is recorded on 2024-03-02, the last date cycled",
            "to record: on 2024-03-02, which has begun; 0 invoices of 0 USD; 1 settlements of 50.50 USD",
            TERMS,
        ]
        payment = list(store.read_all(types=["PaymentApplied"]))[-1]
        assert payment.metadata["settled_date"] == "2024-03-01"
        assert as_of.booking_date(payment.position) == SECOND
        before = store.head()
        importer(*late)
        assert importer.lines() == []
        assert store.head() == before
        assert importer.faults(ROWS[0], replace(ROWS[1], settled_date=SECOND), ROWS[2]) == [
            "line 3, column SettledDate: the file says 2024-03-02, and the ledger 2024-03-01"
        ]

    def test_a_settlement_that_was_paid_by_hand_is_passed_over_with_a_line(self, importer: Importer) -> None:
        importer(*ROWS)
        product_uuid = ids.product_uuid("Seller", "2")
        paid = handlers.execute(ApplyPayment(product_uuid, Decimal("50.50"), "by hand"), actor="tester").position
        for day in (FIRST, THIRD):
            importer(ROWS[0], replace(ROWS[1], settled_date=day), ROWS[2])
            assert importer.lines() == [
                f"line 3: the settlement of {day} is passed over: paid by hand at position {paid}"
            ]
            assert importer.report.endswith("recorded before: 3 invoices, 3 settlements\n")
            assert counted("PaymentApplied") == 3

    def test_a_payment_by_hand_that_was_reversed_covers_nothing(self, importer: Importer) -> None:
        importer(*ROWS)
        product_uuid = ids.product_uuid("Seller", "2")
        paid = handlers.execute(ApplyPayment(product_uuid, Decimal("50.50"), "by hand"), actor="tester").position
        handlers.execute(ReversePayment(product_uuid, paid, "another customer's"), actor="tester")
        importer(ROWS[0], replace(ROWS[1], settled_date=FIRST), ROWS[2])
        assert states.product(product_uuid).state.status == "paid"

    def test_a_late_invoice_is_recorded_only_if_asked(self, importer: Importer) -> None:
        importer(*ROWS)
        late = Row("C-3", "4", FIRST, FIRST, "10.00", SECOND)
        importer(*ROWS, late, record_late=True)
        assert (
            importer.lines()[0] == "line 5: the invoice of 2024-03-01 is recorded on 2024-03-02, the last date cycled"
        )
        originated = list(store.read_all(types=["ProductOriginated"]))[-1]
        assert originated.metadata["invoice_date"] == "2024-03-01"
        assert states.product(ids.product_uuid("Seller", "4")).state.status == "paid"
        before = store.head()
        importer(*ROWS, late)
        assert store.head() == before


@pytest.mark.one_database
class TestPartPayments:
    """Several rows of one invoice are its payments."""

    HEADER = "customerID,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,SettledDate,PaidAmount"

    def write(self, importer: Importer, *payments: tuple[str, str]) -> None:
        rows = [f"C-1,1,01/03/2024,11/03/2024,100.00,{settled},{paid}" for settled, paid in payments]
        importer.path.write_text("\n".join([self.HEADER, *rows]))

    def test_each_payment_is_recorded_once_on_its_date(self, importer: Importer) -> None:
        parts = [("02/03/2024", "30.00"), ("02/03/2024", "30.00"), ("03/03/2024", "15.00")]
        for number in range(1, 4):
            self.write(importer, *parts[:number])
            importer.run()
        before = store.head()
        importer.run()
        assert store.head() == before
        assert states.product(ids.product_uuid("Seller", "1")).state.principal_outstanding == Decimal("25.00")
        booked = [
            (as_of.booking_date(e.position), str(e.data.amount)) for e in store.read_all(types=["PaymentApplied"])
        ]
        assert booked == [(SECOND, "30.00"), (SECOND, "30.00"), (THIRD, "15.00")]

    def test_a_payment_that_differs_from_the_ledger_is_a_fault(self, importer: Importer) -> None:
        self.write(importer, ("02/03/2024", "30.00"))
        importer.run()
        self.write(importer, ("02/03/2024", "31.00"))
        with pytest.raises(CommandError):
            importer.run()
        assert importer.lines() == ["line 2, column PaidAmount: the file says 31.00, and the ledger 30.00"]
        self.write(importer, ("", ""))
        with pytest.raises(CommandError):
            importer.run()
        assert importer.lines() == [
            "line 2, column SettledDate: the file says that it is open, and the ledger 2024-03-02"
        ]

    def test_a_part_that_was_paid_by_hand_is_passed_over_and_the_others_are_recorded(self, importer: Importer) -> None:
        self.write(importer, ("", ""))
        importer.run()
        product_uuid = ids.product_uuid("Seller", "1")
        handlers.execute(ApplyPayment(product_uuid, Decimal("30.00"), "by hand"), actor="tester")
        self.write(importer, ("02/03/2024", "30.00"), ("03/03/2024", "70.00"))
        importer.run()
        assert states.product(product_uuid).state.status == "paid"
        assert counted("PaymentApplied") == 2


@pytest.mark.one_database
class TestFaultyRows:
    """With --skip-faulty the other rows are recorded, and the faulty ones can be mended and imported."""

    def rows(self) -> list[Row]:
        return [*ROWS, replace(ROWS[1], number="4", amount="1.001"), replace(ROWS[1], number="5", amount="x")]

    def test_the_good_rows_are_recorded_and_the_others_written_to_a_file(self, importer: Importer) -> None:
        importer(*self.rows(), skip_faulty=True)
        left_out = importer.path.with_name("invoices.faulty.csv")
        assert counted("ProductOriginated") == 3
        assert importer.report.endswith(f"left out: 2 rows, in {left_out}\n")
        assert [line.split(":")[0] for line in importer.lines()[:2]] == [
            "line 5, column InvoiceAmount",
            "line 6, column InvoiceAmount",
        ]
        assert left_out.read_bytes() == content(self.rows()[3:]).encode()
        mended = Importer(left_out)
        left_out.write_text(left_out.read_text().replace("1.001", "1.00").replace("x", "2.00"))
        mended.run(record_late=True)
        assert counted("ProductOriginated") == 5

    def test_a_file_that_somebody_may_be_mending_is_not_replaced(self, importer: Importer) -> None:
        importer(*self.rows(), skip_faulty=True)
        importer(*self.rows(), skip_faulty=True)
        left_out = importer.path.with_name("invoices.faulty.csv")
        left_out.write_text("being mended")
        later = Row("C-1", "6", SECOND, SECOND, "1.00", None)
        before = store.head()
        with pytest.raises(CommandError, match="it exists and has other rows; name another file with --faulty-rows"):
            importer(*self.rows(), later, skip_faulty=True)
        assert store.head() == before
        assert left_out.read_text() == "being mended"
        other = importer.path.with_name("other.csv")
        importer(*self.rows(), later, skip_faulty=True, faulty_rows=other)
        assert other.read_bytes() == content(self.rows()[3:]).encode()

    def test_rows_that_differ_from_the_ledger_or_make_a_gap_are_left_out_too(self, importer: Importer) -> None:
        importer(*ROWS)
        rows = [replace(ROWS[0], amount="7.00"), *ROWS[1:]]
        rows += [Row("C-1", str(number), date(2026, 3, number), date(2026, 4, 1), "1.00", None) for number in (4, 5)]
        with time_machine.travel("2026-11-25 12:00:00+00:00"):
            importer(*rows, skip_faulty=True)
        assert importer.report.splitlines()[-1].startswith("left out: 3 rows")
        assert (
            "2 rows dated from 2026-03-04 to 2026-03-05 left out: a gap of 732 days from 2024-03-02;"
            " --catch-up records them"
        ) in importer.lines()
        assert counted("ProductOriginated") == 3

    def test_the_smaller_side_of_a_gap_is_left_out_at_once(self, importer: Importer) -> None:
        early = [replace(ROWS[0], number=f"early {number}", invoice_date=date(2021, 3, 1)) for number in range(30)]
        importer(*early, *self.many(60), skip_faulty=True)
        assert counted("ProductOriginated") == 60
        assert importer.lines()[0].startswith("30 rows dated 2021-03-01 left out: a gap of 1,096 days from 2024-03-01")
        (fault,) = [line for line in importer.lines() if "more faults of this kind" in line]
        assert fault.startswith(
            "line 2, column InvoiceDate: 2021-03-01 is 1096 days before 2024-03-01, the nearest date"
        )
        assert "(29 more faults of this kind)" in fault
        assert importer.report.endswith(f"left out: 30 rows, in {importer.path.with_name('invoices.faulty.csv')}\n")

    @staticmethod
    def many(number: int) -> list[Row]:
        return [replace(ROWS[1], number=f"late {one}") for one in range(number)]

    def test_a_file_of_faulty_rows_only_is_refused(self, importer: Importer) -> None:
        assert len(importer.faults(*self.rows()[3:], skip_faulty=True)) == 2

    def test_all_faults_are_written_as_csv(self, importer: Importer) -> None:
        file = importer.path.with_name("faults.csv")
        rows = [replace(ROWS[1], number=str(number), amount="0") for number in range(30)]
        assert importer.faults(*rows, faults=file)[-1] == "10 more faults; --faults FILE writes all of them"
        lines = file.read_text().splitlines()
        assert lines[:2] == [
            "line,column,fault,remedy",
            "2,InvoiceAmount,'0' is not an amount of USD: it is zero; it must be above 0,",
        ]
        assert len(lines) == 31

    def test_the_faults_are_not_written_over_the_imported_file(self, importer: Importer) -> None:
        importer.path.write_text(content(self.rows()))
        with pytest.raises(CommandError, match="this is the file that is imported"):
            importer.run(faults=importer.path)
        assert importer.path.read_text() == content(self.rows()).replace("\r\n", "\n")


@pytest.mark.one_database
def test_the_same_invoices_for_another_seller_are_said(importer: Importer) -> None:
    importer(*ROWS)
    said = (
        "{} of {} new invoices are in the ledger already as invoices of the seller 'Seller'"
        " (same number, customer and amount), and --seller is 'Another'"
    )
    assert importer.faults(*ROWS, seller="Another")[0] == said.format(3, 3)
    importer(ROWS[2], seller="Another")
    assert importer.lines()[0] == said.format(1, 1)
    importer(Row("C-9", "1", SECOND, SECOND, "100.00", None), seller="A third")
    assert "invoices of the seller" not in importer.errors


@pytest.mark.one_database
def test_all_events_of_an_invoice_share_a_correlation_of_their_own(importer: Importer) -> None:
    importer(*ROWS)
    importer(ROWS[0], replace(ROWS[1], settled_date=THIRD), ROWS[2])
    of_invoices: dict[str, set[str]] = {}
    for event in store.read_all(types=["AssetRegistered", "ProductOriginated", "PaymentApplied"]):
        of_invoices.setdefault(event.payload["reference"], set()).add(event.correlation_id)
    assert {len(ids) for ids in of_invoices.values()} == {1}
    assert len(set.union(*of_invoices.values())) == 3


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "utf-7000"}, "--encoding 'utf-7000' is not known"),
        ({"encoding": "hex"}, "--encoding 'hex' is not known"),
        ({"delimiter": ",,"}, "--delimiter ',,' is not valid: it must be one sign"),
        ({"map": ["net"]}, "--map 'net' must be \"their name=our name\""),
        ({"map": ["net=amount"]}, "--map 'net=amount' must be \"their name=our name\""),
    ],
)
def test_an_invalid_option_of_the_format_is_one_line(
    importer: Importer, options: dict[str, object], message: str
) -> None:
    with pytest.raises(CommandError) as refused:
        importer(*ROWS, **options)
    assert str(refused.value).startswith(message)
    assert store.head().position == 0
