"""What import_receivables records, what it skips because it is recorded, and what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command

from eventstore import store
from eventstore.models import Checkpoint
from ledger import daily_cycle, handlers, states
from ledger.rules.commands import ApplyPayment, DeleteDeal, ReversePayment, WriteOffProduct
from processmanagers.receivables import ids
from processmanagers.receivables.file.file_format import FileFormat
from processmanagers.receivables.importing import Choices, prepare
from processmanagers.receivables.invoices import Terms
from processmanagers.receivables.plan import Day
from processmanagers.receivables.recording import DateNoLongerOpen, Recorder
from tests.support.databases import Database
from tests.support.ledger.importer import FIRST, ROWS, SECOND, THIRD, Importer
from tests.support.ledger.invoices import Row, content, counted


@pytest.fixture
def importer(database: Database, tmp_path: Path) -> Importer:
    return Importer(tmp_path / "invoices.csv")


def test_an_invoice_becomes_an_asset_and_a_product_under_a_deal_with_its_customer(importer: Importer) -> None:
    importer(*ROWS)
    asset = states.asset(ids.asset_uuid("Seller", "2")).state
    seller, customer = ids.seller_uuid("Seller"), ids.customer_uuid("Seller", "C-1")
    assert (asset.value, asset.currency, asset.reference) == (Decimal("50.50"), "USD", "2")
    assert (asset.sender_company_uuid, asset.receiver_company_uuid) == (seller, customer)
    owed = states.product(ids.product_uuid("Seller", "2")).state
    assert (owed.principal, owed.due_date, owed.daily_late_fee_rate) == (
        asset.value,
        date(2024, 3, 11),
        Decimal("0.001"),
    )
    assert (owed.obligor_company_uuid, owed.late_fee_payer_role, owed.status) == (customer, "debtor", "open")
    deal = states.deal(ids.deal_uuid("Seller", "C-1")).state
    assert owed.deal_uuid == ids.deal_uuid("Seller", "C-1")
    assert (deal.product_line_id, deal.status) == (1, "active")
    assert [(company.company_uuid, company.role) for company in deal.companies] == [
        (seller, "seller"),
        (customer, "debtor"),
    ]
    assert states.company(customer).state.name == "C-1"
    assert states.product(ids.product_uuid("Seller", "1")).state.status == "paid"
    assert {event.actor for event in store.read_all()} == {"import_receivables", "late_fees"}


def test_each_date_begins_then_its_invoices_and_its_settlements_are_recorded(importer: Importer) -> None:
    importer(*ROWS)
    types = ("SystemCycled", "ProductOriginated", "PaymentApplied")
    order = [
        (event.type, event.payload.get("new_date") or event.payload["reference"])
        for event in store.read_all(types=types)
    ]
    assert order == [
        ("SystemCycled", "2024-03-01"),
        ("ProductOriginated", "1"),
        ("ProductOriginated", "2"),
        ("SystemCycled", "2024-03-02"),
        ("ProductOriginated", "3"),
        ("PaymentApplied", "1"),
        ("PaymentApplied", "3"),
    ]


def test_late_fees_is_registered_before_the_first_date(importer: Importer) -> None:
    importer(*ROWS)
    assert Checkpoint.objects.using("default").get(name="late_fees").registered_position == 0


def test_a_second_run_records_nothing_and_says_so(importer: Importer) -> None:
    importer(*ROWS)
    before = store.head()
    importer(*ROWS)
    assert store.head() == before
    assert importer.report.splitlines()[1:] == [
        "recorded: 0 dates, 0 companies, 0 deals, 0 invoices, 0 settlements",
        "recorded before: 3 invoices, 2 settlements",
    ]


def test_a_longer_export_continues_from_the_last_date_which_is_still_open(importer: Importer) -> None:
    importer(*ROWS)
    settled = replace(ROWS[1], settled_date=THIRD)
    importer(ROWS[0], settled, ROWS[2], Row("C-3", "4", SECOND, THIRD, "1.00", None))
    assert counted("SystemCycled") == 3
    assert states.product(ids.product_uuid("Seller", "4")).state.status == "open"
    assert states.product(ids.product_uuid("Seller", "2")).state.status == "paid"


def test_dates_between_the_last_cycled_one_and_the_file_are_begun(importer: Importer) -> None:
    daily_cycle.cycle(date(2024, 2, 1))
    importer(*ROWS)
    assert counted("SystemCycled") == 31


def test_a_second_sellers_file_has_ids_of_its_own(importer: Importer) -> None:
    importer(*ROWS)
    importer(Row("C-1", "1", SECOND, SECOND, "3.00", None), seller="Another")
    assert states.product(ids.product_uuid("Another", "1")).state.principal == Decimal("3.00")
    assert counted("CompanyRegistered") == 5


def test_a_recorded_invoice_is_skipped_even_if_it_was_changed_since(importer: Importer) -> None:
    importer(*ROWS)
    daily_cycle.cycle(THIRD)
    uuid = ids.product_uuid("Seller", "1")
    (paid,) = (event for event in store.read_stream(f"product-{uuid}") if event.type == "PaymentApplied")
    handlers.execute(ReversePayment(uuid, paid.position, "bounced"), actor="tester")
    handlers.execute(ApplyPayment(uuid, Decimal("1.00"), "a part"), actor="tester")
    handlers.execute(WriteOffProduct(ids.product_uuid("Seller", "2"), "lost"), actor="tester")
    before = store.head()
    importer(*ROWS)
    assert store.head() == before


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"amount": "100.01"}, ["line 2, column InvoiceAmount: the file says 100.01 USD, and the ledger 100.00 USD"]),
        (
            {"due_date": date(2024, 3, 12)},
            ["line 2, column DueDate: the file says 2024-03-12, and the ledger 2024-03-11"],
        ),
        (
            {"invoice_date": SECOND},
            ["line 2, column InvoiceDate: the file says 2024-03-02, and the ledger 2024-03-01"],
        ),
        (
            {"settled_date": THIRD},
            ["line 2, column SettledDate: the file says 2024-03-03, and the ledger 2024-03-02"],
        ),
        (
            {"settled_date": None},
            ["line 2, column SettledDate: the file says that it is open, and the ledger 2024-03-02"],
        ),
        ({"customer": "C-2"}, ["line 2, column customerID: the file says C-2, and the ledger C-1"]),
        ({"customer": "C-9"}, ["line 2, column customerID: the file says C-9, and the ledger C-1"]),
    ],
)
@pytest.mark.one_database
def test_a_row_that_differs_from_the_ledger_is_a_fault(
    importer: Importer, change: dict[str, str | date | None], faults: list[str]
) -> None:
    importer(*ROWS)
    assert importer.faults(replace(ROWS[0], **change), *ROWS[1:]) == faults  # type: ignore[arg-type] # the fields of one change


@pytest.mark.one_database
def test_terms_that_differ_from_the_ledger_are_faults(importer: Importer) -> None:
    importer(*ROWS)
    faults = importer.faults(*ROWS, late_fee_rate="0.002")
    assert faults == [f"line {line}: the late-fee rate is 0.002, and in the ledger 0.001" for line in (2, 3, 4)]
    faults = importer.faults(*ROWS, currency="EUR")
    assert faults[0] == "line 2, column InvoiceAmount: the file says 100.00 EUR, and the ledger 100.00 USD"
    importer(*ROWS, late_fee_rate="0.0010")


def test_a_missing_invoice_of_a_date_that_is_no_longer_open_is_a_fault(importer: Importer) -> None:
    importer(*ROWS)
    late_invoice = Row("C-1", "4", FIRST, THIRD, "1.00", None)
    assert importer.faults(*ROWS, late_invoice) == [
        (
            "line 5, column InvoiceDate: the invoice of 2024-03-01 is not in the ledger,"
            " which is at 2024-03-02 already; --record-late records it on the last date cycled"
        )
    ]


def pay_by_hand() -> None:
    handlers.execute(ApplyPayment(ids.product_uuid("Seller", "2"), Decimal("0.50"), "a part"), actor="tester")


def write_off() -> None:
    handlers.execute(WriteOffProduct(ids.product_uuid("Seller", "2"), "lost"), actor="tester")


@pytest.mark.parametrize(("change", "left"), [(pay_by_hand, "50.00"), (write_off, "0.00")])
@pytest.mark.one_database
def test_a_settlement_of_more_than_is_owed_is_a_fault(
    importer: Importer, change: Callable[[], None], left: str
) -> None:
    importer(*ROWS)
    change()
    position = store.head().position
    (fault,) = importer.faults(ROWS[0], replace(ROWS[1], settled_date=THIRD), ROWS[2])
    assert fault.startswith("line 3, column SettledDate: the invoice cannot be settled: of its principal")
    assert fault.endswith(f" {left} is left since position {position}")


def test_an_invoice_to_a_customer_whose_deal_was_deleted_is_a_fault(importer: Importer) -> None:
    importer(*ROWS)
    deal_uuid = ids.deal_uuid("Seller", "C-1")
    handlers.execute(DeleteDeal(deal_uuid), actor="tester")
    (fault,) = importer.faults(*ROWS, Row("C-1", "4", THIRD, THIRD, "1.00", None))
    assert (
        fault
        == f"line 5, column customerID: deal {deal_uuid} with the customer was deleted, at {store.head().position}"
    )


def recorder_of(*rows: Row, kind: type[Recorder] = Recorder) -> tuple[Recorder, dict[date, Day]]:
    terms = Terms("Seller", "USD", 2, Decimal("0.001"))
    prepared = prepare(content(list(rows)).encode(), terms, FileFormat(), Choices(), date(2025, 1, 1))
    return kind(terms, prepared.contents, lambda: None), prepared.plan.days()


def test_a_later_date_begun_by_another_process_between_two_dates_ends_the_import(database: Database) -> None:
    def begin_the_third(*_: int) -> None:
        daily_cycle.cycle(THIRD)

    recording, days = recorder_of(*ROWS)
    with pytest.raises(DateNoLongerOpen, match="another date while 2024-03-02 was being recorded"):
        recording.record(days, begin_the_third)
    assert counted("ProductOriginated") == 2


def test_nothing_is_recorded_on_a_date_after_another_process_began_a_later_one(database: Database) -> None:
    class Overtaken(Recorder):
        def _begin(self, today: date) -> None:
            super()._begin(today)
            daily_cycle.cycle(THIRD)

    recording, days = recorder_of(*ROWS, kind=Overtaken)
    with pytest.raises(DateNoLongerOpen, match="another date while 2024-03-01 was being recorded"):
        recording.record(days, lambda *_: None)
    assert {event.type for event in store.read_all()} == {"SystemCycled"}


@pytest.mark.one_database
def test_a_faulty_file_records_nothing(importer: Importer) -> None:
    assert importer.faults(*ROWS, replace(ROWS[0], amount="1.001")) == [
        "line 5, column InvoiceAmount: '1.001' is not an amount of USD: its currency has 2 digits after the point",
        "line 5, column invoiceNumber: 1 is already in line 2",
    ]
    assert store.head().position == 0
    assert not Checkpoint.objects.using("default").exists()


@pytest.mark.one_database
def test_a_date_after_today_is_a_fault(importer: Importer) -> None:
    with time_machine.travel("2024-03-02 05:00:00+00:00"):
        faults = importer.faults(*ROWS)
    assert faults[0] == "line 2, column SettledDate: 02/03/2024 is after today, 2024-03-01"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"currency": "XXX"}, "The currency 'XXX' is none of ISO 4217 with a minor unit."),
        ({"late_fee_rate": "1.5"}, "The rate '1.5' is not valid: it is not from 0 to 1."),
        ({"late_fee_rate": "much"}, "The --late-fee-rate 'much' is not valid: it is not a plain decimal number."),
        ({"seller": ""}, "The --seller is not valid: it is empty."),
        ({"date_format": "%d/%m"}, "--date-format '%d/%m' must contain day, month and year"),
        ({"date_format": "%Q"}, "--date-format '%Q' is not valid: 'Q' is a bad directive"),
    ],
)
@pytest.mark.one_database
def test_an_invalid_option_is_one_line(importer: Importer, options: dict[str, str], message: str) -> None:
    with pytest.raises(CommandError) as refused:
        importer(*ROWS, **options)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)
    assert store.head().position == 0


@pytest.mark.one_database
def test_a_missing_file_is_one_line(database: Database, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nothing\.csv: No such file or directory"):
        call_command("import_receivables", str(tmp_path / "nothing.csv"))


@pytest.mark.one_database
def test_two_spellings_of_a_customer_are_one_company(importer: Importer) -> None:
    composed, decomposed = "Caf\u00e9", "Cafe\u0301"
    importer(
        Row(composed, "1", FIRST, date(2024, 3, 11), "100.00", None),
        Row(decomposed, "2", FIRST, date(2024, 3, 11), "50.00", None),
    )
    assert [event.data.name for event in store.read_all(types=["CompanyRegistered"])] == ["Seller", composed]
    head = store.head()
    importer(Row(decomposed, "1", FIRST, date(2024, 3, 11), "100.00", None))
    assert store.head() == head


@pytest.mark.one_database
def test_two_spellings_of_an_invoice_number_are_one_number(importer: Importer) -> None:
    rows = [Row("C-1", number, FIRST, date(2024, 3, 11), "100.00", None) for number in ("n\u200co", "no")]
    assert importer.faults(*rows)[0] == "line 3, column invoiceNumber: no is already in line 2"


@pytest.mark.one_database
def test_a_format_character_is_a_fault_that_names_it(importer: Importer) -> None:
    row = Row("C\u200b1", "1", FIRST, date(2024, 3, 11), "100.00", None)
    fault = "line 2, column customerID: it contains ZERO WIDTH SPACE (U+200B), which cannot be seen"
    assert importer.faults(row)[0] == fault
