"""Why a figure is what it is: the equation adds up, no row shows a figure that never was, three ways agree."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import uuid4

import pytest

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.models import Checkpoint
from eventstore.records import Context, NewEvent
from ledger import states
from ledger.rules.commands import Destination, FundCompany, GrantBalances, PayOutFunds, Source, WriteOffProduct
from ledger.rules.events import CompanyRenamed
from ledger.rules.facts import stream_id
from projectors.explain.balance import explain_balance
from projectors.explain.event import MOST_EFFECTS, MOST_RELATED, explain_event
from projectors.explain.figures import Cut
from projectors.explain.product import ProductExplanation, explain_product
from projectors.explain.sentences import of_product
from projectors.explain.stream import stream_rows
from projectors.models import FinancialProduct, JournalLine
from tests.support.ledger.book import Book, Product, run_late_fees
from tests.support.ledger.paid_late import DUE, PAID, paid_late
from tests.support.ledger.portfolio import do, new_account, new_company

pytestmark = pytest.mark.usefixtures("database")


def explained(invoice: Product, cut: Cut | None = None, order: str = "counts") -> ProductExplanation:
    found = explain_product(invoice.uuid, cut or Cut(store.head().position), order)  # type: ignore[arg-type] # one of three words
    assert found is not None
    return found


@pytest.fixture
def invoice() -> Product:
    catch_up("late_fees")
    return paid_late()


def test_the_terms_add_up_to_what_is_owed(invoice: Product) -> None:
    equation = explained(invoice).equation
    assert [(term.name, term.signed) for term in equation.terms] == [
        ("principal", Decimal("45.00")),
        ("paid", Decimal("-45.00")),
        ("late fees", Decimal("0.12")),
        ("fees paid", Decimal("0.00")),
    ]
    assert sum(term.signed for term in equation.terms) == equation.total == Decimal("0.12")
    assert equation.unit == "USD"


@pytest.mark.parametrize("order", ["counts", "recorded"])
def test_rows_are_folded_in_the_order_that_they_are_shown_in(invoice: Product, order: str) -> None:
    shown = explained(invoice, order=order)
    assert shown.rows[0].total == shown.rows[0].change
    assert all(after.total == before.total + after.change for before, after in pairwise(shown.rows))
    assert shown.rows[-1].total == shown.equation.total
    if order == "counts":
        assert [row.what for row in shown.rows] == ["Invoice financed", *["Late fee"] * 3, "Payment received"]
        assert [row.total for row in shown.rows][-2:] == [Decimal("45.12"), Decimal("0.12")]
    else:
        assert [row.position for row in shown.rows] == sorted(row.position for row in shown.rows)
        assert [row.what for row in shown.rows] == ["Invoice financed", "Payment received", *["Late fee"] * 3]


def test_a_late_run_shows_both_dates_of_its_fees(invoice: Product) -> None:
    fees = explained(invoice).fees
    assert [fee.counts_for for fee in fees] == [DUE + timedelta(days=n) for n in (1, 2, 3)]
    assert {fee.booked for fee in fees} == {PAID + timedelta(days=1)}
    assert all(fee.is_late and fee.cause is not None for fee in fees)


def test_as_known_now_counts_a_late_fee_on_its_own_date_and_as_known_then_does_not(invoice: Product) -> None:
    on = DUE + timedelta(days=2)
    ended = next(event.position for event in store.read_all(types=["SystemCycled"]) if event.data.new_date > on) - 1
    assert explained(invoice, Cut(store.head().position, on)).equation.total == Decimal("45.08")
    assert explained(invoice, Cut(ended)).equation.total == Decimal("45.00")


def test_three_independent_ways_agree(invoice: Product) -> None:
    proof = explained(invoice).proof
    assert [way.amount for way in proof.ways] == [Decimal("0.12")] * 3
    assert proof.agrees
    assert proof.is_complete


def test_a_journal_that_differs_is_said(invoice: Product) -> None:
    lines = JournalLine.objects.filter(party_uuid=invoice.uuid, account="fees_receivable")
    lines.filter(pk=lines.first().pk).update(debit=5)  # type: ignore[union-attr] # it is there
    assert not explained(invoice).proof.agrees


def test_a_read_model_that_differs_is_said(invoice: Product) -> None:
    FinancialProduct.objects.filter(product_uuid=invoice.uuid).update(fees_outstanding=13)
    assert not explained(invoice).proof.agrees


def test_a_read_model_that_is_behind_is_not_compared(invoice: Product) -> None:
    FinancialProduct.objects.filter(product_uuid=invoice.uuid).update(position=1)
    Checkpoint.objects.filter(name="financial_products").update(position=1)
    proof = explained(invoice).proof
    [behind] = [way for way in proof.ways if way.amount is None]
    assert "behind" in behind.note
    assert proof.agrees
    assert not proof.is_complete


def test_a_past_figure_is_compared_with_the_journal_alone(invoice: Product) -> None:
    proof = explained(invoice, Cut(store.head().position, DUE + timedelta(days=2))).proof
    assert [way.amount for way in proof.ways] == [Decimal("45.08"), Decimal("45.08"), None]


def test_a_sentence_says_why_it_owes(invoice: Product) -> None:
    assert of_product(explained(invoice), PAID) == (
        "It owes 0.12 USD because it was paid on 2012-03-15, three days after it was due. Each of three days from"
        " 2012-03-13 to 2012-03-15 cost 45.00 × 0.001 = 0.045, rounded half-even to 0.04."
    )


def test_a_sentence_says_that_a_fee_was_recorded_after_a_write_off() -> None:
    catch_up("late_fees")
    book = Book()
    book.cycle(DUE)
    product = book.invoice(DUE, "45.00")
    book.pay(product, Decimal("5.00"))
    book.cycle(PAID)
    do(WriteOffProduct(product.uuid, "bankrupt"))
    run_late_fees()
    assert of_product(explained(product), PAID) == (
        "It owes 0.04 USD because what was left of its principal was written off on 2012-03-15, and late fees for dates"
        " up to then were recorded after that. That day cost 45.00 × 0.001 = 0.045, rounded half-even to 0.04."
    )


def test_a_product_that_does_not_exist_at_a_moment_has_no_explanation(invoice: Product) -> None:
    assert explain_product(invoice.uuid, Cut(1)) is None


def test_a_balance_adds_up_and_three_ways_agree() -> None:
    company = new_company("300.00")
    account = new_account(company)
    do(FundCompany(company, Decimal("50.00"), "more", "USD"))
    grant = GrantBalances(
        company, "loan", (Source("company", company),), (Destination(company, account, Decimal("120.00")),)
    )
    do(grant)
    do(PayOutFunds(account, Decimal("20.00"), "out"))
    catch_up()
    cut = Cut(store.head().position)
    of_company, of_account = explain_balance("company", company, cut), explain_balance("account", account, cut)
    assert of_company is not None
    assert of_account is not None
    assert [(term.name, term.signed) for term in of_company.equation.terms] == [
        ("received", Decimal("350.00")),
        ("taken back", Decimal("0.00")),
        ("granted", Decimal("-120.00")),
        ("came back", Decimal("0.00")),
    ]
    assert of_company.equation.total == states.company(company).state.balance == Decimal("230.00")
    assert of_account.equation.total == Decimal("100.00")
    for balance in (of_company, of_account):
        assert {way.amount for way in balance.proof.ways} == {balance.equation.total}
        assert balance.proof.is_complete


def test_a_company_without_money_has_a_balance_of_zero_and_no_rows() -> None:
    found = explain_balance("company", new_company(), Cut(store.head().position))
    assert found is not None
    assert found.rows == ()
    assert found.equation.total == 0


def test_an_event_has_its_causes_its_effects_and_its_lines(invoice: Product) -> None:
    fee = next(iter(store.read_all(types=["LateFeeIncurred"])))
    shown = explain_event(fee.position, store.head().position)
    assert shown is not None
    assert shown.subject == "on invoice a product"
    assert [(one.event.type, one.depth, one.is_this) for one in shown.tree] == [
        ("SystemCycled", 0, False),
        ("LateFeeIncurred", 1, True),
    ]
    assert [(line.account, line.debit, line.credit) for line in shown.lines] == [
        ("fees_receivable", Decimal("0.04"), None),
        ("late_fee_income", None, Decimal("0.04")),
    ]
    cycle = explain_event(fee.causation or 0, store.head().position)
    assert cycle is not None
    assert [one.event.type for one in cycle.tree] == ["SystemCycled", "LateFeeIncurred", "LateFeesAssessed"]


def test_there_is_no_explanation_of_an_event_that_is_not_there(invoice: Product) -> None:
    assert explain_event(store.head().position + 1, store.head().position) is None


def test_a_stream_shows_the_state_after_each_event_and_what_it_changed(invoice: Product) -> None:
    rows = list(stream_rows(f"product-{invoice.uuid}", Cut(store.head().position)))
    assert [row.words.what for row in rows] == ["Invoice financed", "Payment received", *["Late fee"] * 3]
    changed = {field.name: field.value for field in rows[1].fields if field.changed}
    assert changed == {"principal_outstanding": Decimal("0.00"), "principal_paid": Decimal("45.00")}
    later = list(stream_rows(f"product-{invoice.uuid}", Cut(store.head().position), after_version=3))
    assert [row.fields for row in later] == [row.fields for row in rows[3:]]


def test_a_page_of_a_long_stream_continues_with_the_state_before_it(invoice: Product) -> None:
    stream, head = f"product-{invoice.uuid}", store.head().position
    whole = list(stream_rows(stream, Cut(head)))
    for after in range(len(whole) + 2):
        assert list(stream_rows(stream, Cut(head), after_version=after, limit=2)) == whole[after : after + 2]


def test_a_tree_of_very_many_effects_is_cut_and_says_so(invoice: Product) -> None:
    def caused_by(cause: int | None, number: int) -> int:
        renamed = [NewEvent(stream_id("company", uuid4()), CompanyRenamed("a name")) for _ in range(number)]
        return store.append(renamed, Context("tester", "a tree", cause)).position

    root = caused_by(None, 1)
    for _ in range(20):
        caused_by(caused_by(root, 1), 30)
    shown = explain_event(root, store.head().position)
    assert shown is not None
    assert shown.more_effects
    assert len(shown.tree) <= MOST_RELATED + MOST_EFFECTS
