"""Late fees are computed as of the position of the cycle, however late they are assessed."""

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import connection

from eventstore import store
from eventstore.consumers.definitions import Chunk
from eventstore.consumers.loop import catch_up
from eventstore.consumers.runner import Step
from eventstore.log.append_call import Rows
from eventstore.records import RecordedEvent
from ledger.rules.events import AssetRevalued, CurrencyTotal, DealCompany, LateFeesAssessed
from ledger.rules.facts import stream_id
from processmanagers.late_fees import LateFees
from processmanagers.overdue import FIRST, overdue_page
from projectors.models import FinancialProduct
from projectors.queries import overdue
from projectors.queries.live import live
from tests.support.databases import Database, connected_as
from tests.support.ledger.book import (
    DEAL,
    DEBTOR,
    STRANGER,
    Book,
    Product,
    assessed,
    charged,
    fees,
    late_fees,
    run_late_fees,
)
from tests.support.postgres.roles import OWNER
from tests.support.rounds import rounds

DUE, D1, D2, D3 = (date(2024, 3, day) for day in (1, 2, 3, 4))


@pytest.fixture
def book(database: Database) -> Book:
    """Return an empty book, whose late_fees has begun."""
    run_late_fees()
    return Book()


def nothing(day: date) -> LateFeesAssessed:
    return LateFeesAssessed(day, 0, 0, 0, 0, ())


def not_assessed() -> list[str]:
    return [event.data.reason for event in store.read_all(types=["LateFeeNotAssessed"])]


def test_a_fee_names_its_cycle_as_its_cause_and_contains_everything_that_it_was_computed_from(book: Book) -> None:
    product = book.invoice(DUE, "1234.50")
    position = book.cycle(D2)
    run_late_fees()
    (fee,) = fees()
    cycled = store.read_event(position)
    assert cycled is not None
    assert fee.stream_id == stream_id("product", product.uuid)
    assert (fee.actor, fee.causation, fee.correlation_id) == ("late_fees", position, cycled.correlation_id)
    assert fee.payload == {
        "amount": "1.23",
        "currency": "USD",
        "fee_payer_company_uuid": str(DEBTOR),
        "business_date": "2024-03-03",
        "incurred_at": fee.payload["incurred_at"],
        "asset_uuid": str(product.asset_uuid),
        "asset_value": "1234.50",
        "daily_late_fee_rate": "0.001",
        "days_overdue": 2,
    }
    assert fee.data.incurred_at == cycled.recorded_at


def test_a_product_is_not_overdue_on_its_due_date(book: Book) -> None:
    book.invoice(DUE)
    book.cycle(DUE)
    run_late_fees()
    assert assessed() == {DUE: nothing(DUE)}


def test_a_cycle_with_nothing_overdue_ends_with_late_fees_assessed(book: Book) -> None:
    book.cycle(D1)
    run_late_fees()
    assert assessed() == {D1: nothing(D1)}


def test_a_payment_before_the_cycle_prevents_the_fee(book: Book) -> None:
    book.pay(book.invoice(DUE))
    book.cycle(D1)
    run_late_fees()
    assert charged() == []


def test_a_partial_payment_does_not_prevent_the_fee(book: Book) -> None:
    product = book.invoice(DUE)
    book.pay(product, Decimal("999.99"))
    book.cycle(D1)
    run_late_fees()
    assert charged() == [(product.uuid, D1, Decimal("1.00"))]


def test_a_payment_after_the_cycle_does_not_undo_its_fee_even_if_the_fee_is_assessed_late(book: Book) -> None:
    product = book.invoice(DUE)
    book.cycle(D1)
    book.pay(product)
    book.cycle(D2)
    run_late_fees()
    assert charged() == [(product.uuid, D1, Decimal("1.00"))]
    assert assessed()[D2] == nothing(D2)


def test_a_write_off_stops_fees_like_a_payment(book: Book) -> None:
    before, after = book.invoice(DUE), book.invoice(DUE)
    book.write_off(before, before.principal)
    book.cycle(D1)
    book.write_off(after, after.principal)
    book.cycle(D2)
    run_late_fees()
    assert charged() == [(after.uuid, D1, Decimal("1.00"))]


def test_a_product_originated_after_the_cycle_is_not_charged_for_it(book: Book) -> None:
    asset_uuid = book.asset()
    book.cycle(D1)
    product = book.product(DUE, asset_uuid=asset_uuid)
    book.cycle(D2)
    run_late_fees()
    assert charged() == [(product.uuid, D2, Decimal("1.00"))]
    assert assessed()[D1] == nothing(D1)


def test_the_value_is_that_at_the_position_of_the_cycle(book: Book) -> None:
    product = book.invoice(DUE)
    assert product.asset_uuid is not None
    book.cycle(D1)
    book.revalue(product.asset_uuid, "500.00")
    book.cycle(D2)
    book.revalue(product.asset_uuid, "1.00")
    book.revalue(product.asset_uuid, "2000.00")
    book.cycle(D3)
    book.revalue(product.asset_uuid, "0.00")
    run_late_fees()
    assert [fee.data.asset_value for fee in fees()] == [Decimal("1000.00"), Decimal("500.00"), Decimal("2000.00")]
    assert [fee.data.amount for fee in fees()] == [Decimal("1.00"), Decimal("0.50"), Decimal("2.00")]


def test_a_fee_that_rounds_to_zero_is_counted_and_not_recorded(book: Book) -> None:
    worthless, small = book.invoice(DUE), book.invoice(DUE, "5.00")
    assert worthless.asset_uuid is not None
    book.revalue(worthless.asset_uuid, "0.00")
    book.cycle(D1)
    book.revalue(worthless.asset_uuid, "1000.00")
    run_late_fees()
    assert charged() == []
    assert assessed() == {D1: LateFeesAssessed(D1, 2, 0, 0, 2, ())}
    assert small.principal == Decimal("5.00")


def test_a_fee_that_cannot_be_assessed_is_recorded_with_its_reason(book: Book) -> None:
    strangers = (DealCompany(STRANGER, "debtor"), DealCompany(DEBTOR, "seller"))
    products = {
        "no_asset": book.product(DUE, asset_uuid=None),
        "unknown_asset": book.product(DUE, asset_uuid=book.new_uuid("asset")),
        "no_payer": book.product(DUE, asset_uuid=book.asset("0.01"), companies=strangers),
    }
    position = book.cycle(D1)
    run_late_fees()
    not_assessed_by_reason = {event.data.reason: event for event in store.read_all(types=["LateFeeNotAssessed"])}
    assert {reason: event.uuid for reason, event in not_assessed_by_reason.items()} == {
        reason: product.uuid for reason, product in products.items()
    }
    assert {event.data.business_date for event in not_assessed_by_reason.values()} == {D1}
    assert {event.causation for event in not_assessed_by_reason.values()} == {position}
    assert assessed() == {D1: LateFeesAssessed(D1, 3, 0, 3, 0, ())}


def test_an_asset_registered_after_the_cycle_is_unknown(book: Book) -> None:
    asset_uuid = book.new_uuid("asset")
    book.append(stream_id("asset", asset_uuid), AssetRevalued(Decimal("1.00"), "USD"))
    book.product(DUE, asset_uuid=asset_uuid)
    book.cycle(D1)
    run_late_fees()
    assert not_assessed() == ["unknown_asset"]


def test_totals_are_summed_by_currency(book: Book) -> None:
    book.invoice(DUE, "1000.00")
    book.invoice(DUE, "250000", "JPY")
    book.invoice(DUE, "1000.50", rate="0.01")
    book.cycle(D1)
    run_late_fees(batch_size=1)
    totals = (CurrencyTotal("JPY", Decimal(250)), CurrencyTotal("USD", Decimal("11.00")))
    assert assessed() == {D1: LateFeesAssessed(D1, 3, 3, 0, 0, totals)}


def test_several_waiting_cycles_are_answered_in_order(book: Book) -> None:
    products = [book.invoice(DUE) for _ in range(3)]
    for day in (D1, D2, D3):
        book.cycle(day)
    run_late_fees(batch_size=2)
    assert charged() == sorted((product.uuid, day, Decimal("1.00")) for product in products for day in (D1, D2, D3))
    assert [fee.data.business_date for fee in fees()] == [D1] * 3 + [D2] * 3 + [D3] * 3
    run_late_fees()
    assert len(fees()) == 9


@pytest.mark.parametrize("batch_size", [1, 3, 1000])
def test_each_product_is_charged_once_with_chunks_of_any_size(book: Book, batch_size: int) -> None:
    products = [book.invoice(DUE) for _ in range(7)]
    book.cycle(D1)
    for product in products[::2]:
        book.pay(product)
    run_late_fees(batch_size)
    assert charged() == sorted((product.uuid, D1, Decimal("1.00")) for product in products)
    assert assessed()[D1].overdue == 7


def test_every_chunk_but_the_first_is_made_while_the_one_before_it_is_appended(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    products = [book.invoice(DUE) for _ in range(7)]
    book.cycle(D1)
    react, made = LateFees.react, list[Any]()

    def noted(manager: LateFees, event: RecordedEvent, progress: Any | None, limit: int) -> Chunk:
        made.append(progress)
        return react(manager, event, progress, limit)

    append, parts_meanwhile = store.append_prepared, list[object]()

    def watched(rows: Rows, meanwhile: Iterable[object] = (), **how: Any) -> object:
        return append(rows, meanwhile=map(parts_meanwhile.append, meanwhile), **how)

    monkeypatch.setattr(LateFees, "react", noted)
    monkeypatch.setattr(store, "append_prepared", watched)
    run_late_fees(batch_size=2)
    assert charged() == sorted((product.uuid, D1, Decimal("1.00")) for product in products)
    assert made == [None]
    assert len(parts_meanwhile) >= (3 if connection.vendor == "postgresql" else 0)
    # An error in a chunk that is made ahead is raised by the transaction of that chunk, which keeps those before it.
    book.cycle(D2)
    wrong = sorted(products, key=lambda product: product.uuid)[4]
    rows = FinancialProduct.objects.filter(product_uuid=wrong.uuid)
    rows.update(daily_late_fee_rate="wrong")
    with pytest.raises(AssertionError, match="InvalidOperation"):
        run_late_fees(batch_size=2)
    assert len(charged()) == 7 + 4
    rows.update(daily_late_fee_rate="0.001")
    run_late_fees(batch_size=2)
    assert len(set(charged())) == 14


def test_a_rebuild_of_the_read_model_in_the_middle_of_a_cycle_changes_nothing(book: Book) -> None:
    products = [book.invoice(DUE) for _ in range(6)]
    book.cycle(D1)
    book.pay(products[0])
    reaction = late_fees(batch_size=1)
    while len(fees()) < 3:
        assert reaction.step() is Step.PROGRESSED
    book.pay(products[5])
    call_command("rebuild_projector", "financial_products")
    assert live(FinancialProduct).values_list("generation", flat=True).distinct().get() == 2
    while reaction.step() is Step.PROGRESSED:
        pass
    assert charged() == sorted((product.uuid, D1, Decimal("1.00")) for product in products)


def rows_of_products(number: int, **fields: Any) -> Iterator[FinancialProduct]:
    for _ in range(number):
        yield FinancialProduct(
            generation=1,
            position=1,
            product_uuid=uuid4(),
            deal_uuid=DEAL,
            obligor_company_uuid=DEBTOR,
            principal=100,
            currency="USD",
            minor_digits=2,
            due_date=DUE,
            daily_late_fee_rate="0.001",
            late_fee_payer_role="debtor",
            companies=[],
            reference="",
            originated_position=1,
            **fields,
        )


def test_products_paid_before_the_cycle_are_not_read_again(book: Book) -> None:
    paid = {"principal_outstanding": 0, "owes": False, "status": "paid"}
    owing = {"principal_outstanding": 100, "owes": True, "status": "open"}
    catch_up("financial_products")
    rows = FinancialProduct.objects.using("default")
    rows.bulk_create(rows_of_products(5000, principal_zero_position=10, **paid), batch_size=500)
    rows.bulk_create(rows_of_products(30, principal_zero_position=1000, **paid))
    rows.bulk_create(rows_of_products(40, **owing))
    statement, parameters = overdue.statement(500, D1, FIRST, 100)
    with connected_as(OWNER), connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plan = str(cursor.fetchall())
            assert "financial_product_owing" in plan
            assert "financial_product_zero" in plan
            assert "SCAN projectors_financialproduct" not in plan
        else:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", parameters)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            touched = re.findall(r"rows=(\d+)(?:\.\d+)? loops", plan) + re.findall(
                r"Rows Removed by Filter: (\d+)", plan
            )
            assert max(int(rows) for rows in touched) <= 100, plan
    assert len(overdue_page(500, D1, FIRST, 100).products) == 70


class TestReversals:
    """A product that a reversal made owe again after the cycle is judged by its own events."""

    def test_paid_before_and_owing_again_after_the_cycle_is_no_fee(self, book: Book) -> None:
        product = book.invoice(DUE)
        paid = book.pay(product)
        book.cycle(D1)
        book.reverse(product, paid)
        book.cycle(D2)
        run_late_fees()
        assert charged() == [(product.uuid, D2, Decimal("1.00"))]

    def test_owing_again_before_the_cycle_is_a_fee(self, book: Book) -> None:
        product = book.invoice(DUE)
        book.reverse(product, book.pay(product))
        book.cycle(D1)
        run_late_fees()
        assert charged() == [(product.uuid, D1, Decimal("1.00"))]

    def test_owing_at_the_cycle_then_paid_and_owing_again_is_a_fee(self, book: Book) -> None:
        product = book.invoice(DUE)
        book.cycle(D1)
        book.reverse(product, book.pay(product))
        run_late_fees()
        assert charged() == [(product.uuid, D1, Decimal("1.00"))]

    def test_rounds_of_paying_and_owing_again_are_judged_at_each_cycle(self, book: Book) -> None:
        product = book.invoice(DUE)
        day, owed = DUE, []
        for _ in range(3):
            day += timedelta(days=1)
            book.cycle(day)
            owed.append(day)
            paid = book.pay(product)
            day += timedelta(days=1)
            book.cycle(day)
            book.reverse(product, paid)
        book.pay(product)
        run_late_fees()
        assert [fee.data.business_date for fee in fees()] == owed
        assert len(assessed()) == 6

    def test_paid_owing_and_paid_again_since_a_cycle_at_which_nothing_was_owed_is_no_fee(self, book: Book) -> None:
        product = book.invoice(DUE)
        paid = book.pay(product)
        book.cycle(D1)
        book.reverse(product, paid)
        book.pay(product)
        run_late_fees()
        assert charged() == []


class Oracle:
    """An independent model of what each product owes and what its asset is worth."""

    def __init__(self, seed: int) -> None:
        self.chance, self.book = random.Random(seed), Book()
        self.day = DUE
        self.owed: dict[UUID, Decimal] = {}
        self.values: dict[UUID, Decimal] = {}
        self.payments: dict[UUID, list[tuple[int, Decimal]]] = {}
        self.products: list[tuple[Product, date]] = []
        self.expected: list[tuple[UUID, date, Decimal]] = []
        self.overdue: Counter[date] = Counter()

    def act(self) -> None:
        method = self.chance.choices(
            (self.originate, self.pay, self.reverse, self.write_off, self.revalue, self.cycle, self.assess),
            (6, 6, 5, 1, 4, 4, 1),
        )[0]
        method()

    def assess(self) -> None:
        run_late_fees(self.chance.choice((1, 3, 1000)), ahead=self.chance.random() < 0.5)

    def any_product(self) -> Iterator[Product]:
        standing = [product for product, _ in self.products if product.uuid in self.owed]
        if standing:
            yield self.chance.choice(standing)

    def originate(self) -> None:
        due = self.day + timedelta(days=self.chance.randint(-2, 4))
        product = self.book.invoice(due, f"{self.chance.randint(1, 90_000)}.00", rate="0.0005")
        assert product.asset_uuid is not None
        self.products.append((product, due))
        self.owed[product.uuid], self.payments[product.uuid] = product.principal, []
        self.values[product.asset_uuid] = product.principal

    def pay(self) -> None:
        for product in self.any_product():
            left = self.owed[product.uuid]
            amount = self.chance.choice((left, left, min(left, Decimal("1.00"))))
            if amount:
                self.payments[product.uuid].append((self.book.pay(product, amount), amount))
                self.owed[product.uuid] -= amount

    def reverse(self) -> None:
        for product in self.any_product():
            payments = self.payments[product.uuid]
            if payments:
                position, amount = payments.pop(self.chance.randrange(len(payments)))
                self.book.reverse(product, position, amount)
                self.owed[product.uuid] += amount

    def write_off(self) -> None:
        for product in self.any_product():
            self.book.write_off(product, self.owed.pop(product.uuid))

    def revalue(self) -> None:
        for product in self.any_product():
            assert product.asset_uuid is not None
            value = self.chance.choice(("0.00", "0.01", f"{self.chance.randint(1, 90_000)}.01"))
            self.values[product.asset_uuid] = Decimal(value)
            self.book.revalue(product.asset_uuid, value)

    def cycle(self) -> None:
        self.day += timedelta(days=1)
        self.book.cycle(self.day)
        for product, due in self.products:
            if due < self.day and self.owed.get(product.uuid, 0) > 0 and product.asset_uuid is not None:
                self.overdue[self.day] += 1
                fee = round(self.values[product.asset_uuid] * Decimal("0.0005"), 2)
                if fee:
                    self.expected.append((product.uuid, self.day, fee))


@pytest.mark.parametrize("seed", range(rounds(3)))
def test_random_histories_are_charged_as_an_independent_model_says(database: Database, seed: int) -> None:
    run_late_fees()
    oracle = Oracle(seed)
    for _ in range(150):
        oracle.act()
    oracle.cycle()
    run_late_fees(batch_size=7, ahead=seed % 2 == 0)
    assert oracle.expected
    assert charged() == sorted(oracle.expected)
    for day, event in assessed().items():
        assert event.incurred == sum(1 for _, charged_on, _ in oracle.expected if charged_on == day)
        assert (event.overdue, event.not_assessed) == (oracle.overdue[day], 0)
