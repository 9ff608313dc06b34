"""Why a fee was charged on a date, or why not."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from eventstore import store
from eventstore.consumers.loop import catch_up
from ledger.rules.commands import RegisterCompany, ReverseLateFee, WaiveLateFee
from processmanagers.why import why
from tests.integration.books.conftest import Reader
from tests.support.consumers.tampering import unguarded
from tests.support.ledger.book import DEBTOR, Book, Product, run_late_fees
from tests.support.ledger.paid_late import DUE, FINANCED, PAID
from tests.support.ledger.portfolio import do


def unmet(product: Product, on: date) -> str:
    answer = why(product.uuid, on)
    assert answer is not None
    return next((condition.asks for condition in answer.conditions if not condition.is_met), "")


def test_a_fee_that_was_charged_meets_every_condition(invoice: Product) -> None:
    answer = why(invoice.uuid, DUE + timedelta(days=1))
    assert answer is not None
    assert answer.sentence == "It was charged 0.04 USD for 2012-03-13: every condition was met."
    assert len(answer.conditions) == 8
    assert all(condition.is_met for condition in answer.conditions)
    assert answer.recorded is not None
    assert "45.00 × 0.001 = 0.045" in answer.conditions[-1].figures


@pytest.mark.parametrize(
    ("on", "asks"),
    [
        (DUE, "it was due before the date"),
        (PAID + timedelta(days=1), "it owed principal as the date began"),
        (FINANCED, "it was financed before the date began"),
        (FINANCED + timedelta(days=1), "the date began"),
    ],
)
def test_the_first_condition_that_was_not_met_is_named(invoice: Product, on: date, asks: str) -> None:
    assert unmet(invoice, on) == asks


@pytest.mark.parametrize(
    ("on", "sentence"),
    [
        (
            DUE,
            "It was not charged for 2012-03-12: it was due on 2012-03-12, and fees begin the day after, without grace.",
        ),
        (
            PAID + timedelta(days=1),
            "It was not charged for 2012-03-16: it owed no principal as the date began, since a payment at event 8.",
        ),
        (FINANCED, "It was not charged for 2012-02-11: it was financed only after the date had begun."),
        (
            FINANCED + timedelta(days=1),
            "It was not charged for 2012-02-12: 2012-02-12 never began: 2012-03-12 was the next date to begin.",
        ),
    ],
)
def test_a_sentence_says_why_there_is_no_fee(invoice: Product, on: date, sentence: str) -> None:
    answer = why(invoice.uuid, on)
    assert answer is not None
    assert answer.sentence == sentence


def test_every_condition_that_can_be_looked_at_is_ticked_or_not(invoice: Product) -> None:
    answer = why(invoice.uuid, DUE)
    assert answer is not None
    assert [condition.is_met for condition in answer.conditions] == [True, True, False, True, True, True, True, True]
    assert all(condition.position is not None for condition in answer.conditions)


def test_a_product_that_was_written_off_or_owes_again_says_since_when(database: object) -> None:
    catch_up("late_fees")
    book = Book()
    book.cycle(FINANCED)
    lost, back = book.invoice(DUE), book.invoice(DUE)
    book.cycle(DUE)
    written_off = book.write_off(lost, lost.principal)
    paid = book.pay(back)
    book.cycle(DUE + timedelta(days=1))
    reversed_at = book.reverse(back, paid)
    book.cycle(DUE + timedelta(days=2))
    run_late_fees()
    of_lost, of_back = why(lost.uuid, DUE + timedelta(days=1)), why(back.uuid, DUE + timedelta(days=1))
    assert of_lost is not None
    assert of_back is not None
    assert f"since it was written off at event {written_off}" in of_lost.sentence
    assert f"since a payment at event {paid}" in of_back.sentence
    again = why(back.uuid, DUE + timedelta(days=2))
    assert again is not None
    assert again.sentence == "It was charged 1.00 USD for 2012-03-14: every condition was met."
    assert f"1,000.00 USD since a payment was reversed at event {reversed_at}" in again.conditions[3].figures


def test_the_value_is_that_of_when_the_date_began(database: object) -> None:
    catch_up("late_fees")
    book = Book()
    book.cycle(FINANCED)
    product = book.invoice(DUE)
    assert product.asset_uuid is not None
    book.cycle(DUE)
    revalued = book.revalue(product.asset_uuid, "0.00")
    book.cycle(DUE + timedelta(days=1))
    run_late_fees()
    answer = why(product.uuid, DUE + timedelta(days=1))
    assert answer is not None
    assert answer.sentence == "It was not charged for 2012-03-13: the fee rounds to zero: 0.00 × 0.001 = 0."
    assert answer.conditions[-1].position == revalued


def test_a_waiver_after_the_fee_is_shown_and_an_answer_of_the_past_does_not_know_it(
    reader: Reader, invoice: Product
) -> None:
    on = DUE + timedelta(days=1)
    before = store.head().position
    do(WaiveLateFee(invoice.uuid, Decimal("0.04"), "goodwill"))
    answer, earlier = why(invoice.uuid, on), why(invoice.uuid, on, before)
    assert answer is not None
    assert earlier is not None
    assert [event.type for event in answer.later] == ["LateFeeWaived"]
    assert answer.sentence.endswith(
        "every condition was met; fees of this product were paid, waived or written off later."
    )
    assert earlier.later == ()
    parameters = {"product": str(invoice.uuid), "date": str(on)}
    assert "goodwill" in reader.text("/books/why", **parameters)
    assert "goodwill" not in reader.text("/books/why", **parameters, as_of=str(before))
    assert reader.get("/books/why", **parameters, as_of="3").status_code == 400


def test_a_fee_that_the_rule_does_not_give_is_said(invoice: Product) -> None:
    fee = next(iter(store.read_all(types=["LateFeeIncurred"])))
    with unguarded() as cursor:
        changed = fee.payload_json.replace("0.04", "0.05")
        cursor.execute("UPDATE eventstore_event SET payload = %s WHERE position = %s", [changed, fee.position])
    answer = why(invoice.uuid, fee.data.business_date)
    assert answer is not None
    assert "although the rule gives 0.04. Run manage.py verify_ledger." in answer.sentence


def test_a_product_without_an_asset_and_a_fee_of_zero_are_named(database: object) -> None:
    catch_up("late_fees")
    book = Book()
    book.cycle(FINANCED)
    bare = book.product(DUE, asset_uuid=None)
    small = book.invoice(DUE, "1.00")
    stranger = book.product(DUE, asset_uuid=book.asset(), companies=())
    book.cycle(PAID)
    assert unmet(bare, PAID) == "it has an asset, whose value the fee is taken of"
    assert unmet(small, PAID) == "value × rate does not round to zero"
    assert unmet(stranger, PAID) == "a company in the payer's role sends or receives the asset"


def test_a_date_that_is_not_assessed_yet_says_so(database: object) -> None:
    catch_up("late_fees")
    do(RegisterCompany(DEBTOR, "Alder Stores"))
    book = Book()
    book.cycle(FINANCED)
    product = book.invoice(DUE)
    book.cycle(PAID)
    answer = why(product.uuid, PAID)
    assert answer is not None
    assert "late_fees has not assessed this date yet" in answer.sentence
    assert answer.conditions[-2].figures == "Alder Stores is debtor, and sends or receives the asset"


def test_a_fee_that_was_taken_back_says_so(invoice: Product) -> None:
    on = DUE + timedelta(days=1)
    charged = why(invoice.uuid, on)
    assert charged is not None
    assert charged.recorded is not None
    do(ReverseLateFee(invoice.uuid, charged.recorded.position, "a mistake"))
    answer = why(invoice.uuid, on)
    assert answer is not None
    assert answer.sentence == "It was charged 0.04 USD for 2012-03-13, and the fee was taken back: a mistake."


def test_the_page_ticks_each_condition(reader: Reader, invoice: Product) -> None:
    page = reader.text("/books/why", product=str(invoice.uuid), date=str(DUE))
    assert "it was due on 2012-03-12, and fees begin the day after" in page
    assert reader.get("/books/why").status_code == 400
    assert reader.get("/books/why", product=str(invoice.uuid), date="2030-01-01").status_code == 400
    assert reader.get("/books/why", product="00000000-0000-0000-0000-000000000000", date=str(DUE)).status_code == 404
