"""Why a fee was charged on a date, or why not."""

from datetime import date, timedelta

import pytest

from eventstore.consumers.loop import catch_up
from ledger.rules.commands import ReverseLateFee
from processmanagers.why import why
from tests.integration.books.conftest import Reader
from tests.support.ledger.book import Book, Product
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
        (FINANCED + timedelta(days=1), "2012-02-12 is a date that began"),
    ],
)
def test_the_first_condition_that_was_not_met_is_named(invoice: Product, on: date, asks: str) -> None:
    assert unmet(invoice, on) == asks
    answer = why(invoice.uuid, on)
    assert answer is not None
    assert asks in answer.sentence


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
    book = Book()
    book.cycle(FINANCED)
    product = book.invoice(DUE)
    book.cycle(PAID)
    answer = why(product.uuid, PAID)
    assert answer is not None
    assert "late_fees has not assessed this date yet" in answer.sentence


def test_a_fee_that_was_taken_back_says_so(invoice: Product) -> None:
    on = DUE + timedelta(days=1)
    charged = why(invoice.uuid, on)
    assert charged is not None
    assert charged.recorded is not None
    do(ReverseLateFee(invoice.uuid, charged.recorded.position, "a mistake"))
    answer = why(invoice.uuid, on)
    assert answer is not None
    assert answer.sentence == "It was charged for 2012-03-13, and the fee was taken back: a mistake."


def test_the_page_ticks_each_condition(reader: Reader, invoice: Product) -> None:
    page = reader.text("/books/why", product=str(invoice.uuid), date=str(DUE))
    assert "it was not so that it was due before the date" in page
    assert reader.get("/books/why").status_code == 400
    assert reader.get("/books/why", product=str(invoice.uuid), date="2030-01-01").status_code == 400
    assert reader.get("/books/why", product="00000000-0000-0000-0000-000000000000", date=str(DUE)).status_code == 404
