"""The payoff has the fees of dates that have begun and are not yet assessed: paid, it leaves nothing to come."""

from datetime import date
from decimal import Decimal

import pytest

from eventstore import store
from ledger import states
from ledger.fee_lag import fee_lag
from processmanagers.payoff import Payoff, payoff
from tests.support.databases import Database
from tests.support.ledger.book import Book, Product, run_late_fees

DUE, D1, D2, D3 = (date(2024, 3, day) for day in (1, 2, 3, 4))


@pytest.fixture
def book(database: Database) -> Book:
    """Return an empty book, whose late_fees is registered."""
    run_late_fees()
    return Book()


def payoff_of(product: Product, position: int | None = None) -> Payoff:
    at = store.head().position if position is None else position
    return payoff(product.uuid, states.product(product.uuid, at).state, at)


def owed(product: Product) -> Decimal:
    state = states.product(product.uuid).state
    return state.principal_outstanding + state.fees_outstanding


def test_it_is_what_is_owed_while_all_fees_are_assessed(book: Book) -> None:
    product = book.invoice(DUE, "1000.00")
    assert payoff_of(product) == Payoff(Decimal("1000.00"), None)
    book.cycle(D1)
    run_late_fees()
    assert payoff_of(product) == Payoff(Decimal("1001.00"), D1) == Payoff(owed(product), D1)


def test_it_is_what_will_be_owed_once_late_fees_has_run(book: Book) -> None:
    product = book.invoice(DUE, "1000.00")
    book.cycle(D1)
    run_late_fees()
    book.cycle(D2)
    assert product.asset_uuid is not None
    book.revalue(product.asset_uuid, "500.00")
    book.cycle(D3)
    before = payoff_of(product)
    assert before == Payoff(Decimal("1002.50"), D1)
    run_late_fees()
    assert (owed(product), payoff_of(product)) == (before.amount, Payoff(before.amount, D3))


def test_it_has_the_fee_of_a_date_after_which_everything_was_paid(book: Book) -> None:
    product = book.invoice(DUE, "1000.00")
    book.cycle(D1)
    book.pay(product)
    book.cycle(D2)
    assert payoff_of(product).amount == Decimal("1.00")
    run_late_fees()
    assert owed(product) == Decimal("1.00")


def test_a_product_that_a_stopped_run_has_charged_is_not_charged_again(book: Book) -> None:
    product = book.invoice(DUE, "1000.00")
    book.cycle(D1)
    run_late_fees()
    assessed = store.last_of_type("LateFeesAssessed")
    assert assessed is not None
    assert payoff_of(product, assessed.position - 1) == Payoff(Decimal("1001.00"), None)


def test_as_of_a_position_it_has_the_fees_that_were_pending_there(book: Book) -> None:
    product = book.invoice(DUE, "1000.00")
    cycled = book.cycle(D1)
    run_late_fees()
    assert payoff_of(product, cycled - 1) == Payoff(Decimal("1000.00"), None)
    assert payoff_of(product, cycled) == Payoff(Decimal("1001.00"), None)


def test_dates_that_late_fees_will_never_assess_are_not_in_it(database: Database) -> None:
    book = Book()
    product = book.invoice(DUE, "1000.00")
    book.cycle(D1)
    assert payoff_of(product) == Payoff(Decimal("1000.00"), None)
    run_late_fees()
    assert payoff_of(product) == Payoff(Decimal("1000.00"), None)
    book.cycle(D2)
    assert payoff_of(product).amount == Decimal("1001.00")


def test_a_product_without_an_asset_or_a_rate_has_no_fee_to_come(book: Book) -> None:
    products = [book.product(DUE, asset_uuid=None), book.invoice(DUE, rate="0")]
    book.cycle(D1)
    assert [payoff_of(product).amount for product in products] == [owed(product) for product in products]


def test_the_lag_of_late_fees_is_counted_in_dates(database: Database) -> None:
    assert fee_lag() is None
    run_late_fees()
    book = Book()
    assert fee_lag() == (0, None)
    for day in (D1, D2):
        book.cycle(day)
    assert fee_lag() == (2, None)
    run_late_fees()
    assert fee_lag() == (0, D2)
