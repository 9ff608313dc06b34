"""The pages of an invoice, a balance, the log, an event and a stream, and their CSV."""

import csv
import io
from decimal import Decimal

import pytest

from eventstore import store
from eventstore.log.searches import search_back
from tests.integration.books.conftest import Reader
from tests.support.consumers.tampering import unguarded
from tests.support.ledger.book import Product
from tests.support.ledger.portfolio import new_company
from web.books.csv_export import cell
from web.templatetags.books import amount

pytestmark = pytest.mark.one_database


def rows_of(response: object) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined] # the answer is streamed
    return list(csv.DictReader(io.StringIO(text)))


def test_an_invoice_shows_its_equation_its_sentence_and_its_proof(reader: Reader, invoice: Product) -> None:
    page = reader.text(f"/books/invoices/{invoice.uuid}")
    assert "<b>0.12 USD</b>" in page
    assert "3 late fees" in page
    assert "rounded half-even to 0.04; charged to the debtor" in page
    assert "3 independent ways agree" in page


def test_the_csv_of_an_invoice_has_the_rows_of_its_page(reader: Reader, invoice: Product) -> None:
    response = reader.get(f"/books/invoices/{invoice.uuid}", format="csv")
    assert response["Content-Disposition"] == (
        f'attachment; filename="invoice-a-product-as-of-{store.head().position}.csv"'
    )
    rows = rows_of(response)
    assert [row["owed_after"] for row in rows] == ["45.00", "45.04", "45.08", "45.12", "0.12"]
    assert sum(Decimal(row["change"]) for row in rows) == Decimal("0.12")


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1-1", "@SUM(A1)", "\tx"])
def test_text_that_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "text"), [(Decimal("-45.00"), "-45.00"), ("-45.00", "-45.00"), (None, ""), ("a", "a")]
)
def test_numbers_and_plain_text_stay_as_they_are(value: object, text: str) -> None:
    assert cell(value) == text


def test_a_balance_shows_its_equation(reader: Reader) -> None:
    company = new_company("300.00")
    page = reader.text(f"/books/balances/company/{company}")
    assert "<b>300.00 USD</b>" in page
    assert f'href="/books/journal?party={company}">journal lines</a>' in page
    assert reader.get(f"/books/balances/deal/{company}").status_code == 404


def test_a_customer_that_owes_nothing_leads_to_its_paid_invoices(reader: Reader) -> None:
    company = new_company()
    page = reader.text(f"/books/customers/{company}")
    assert f"/books/invoices?customer={company}&amp;status=paid" in page
    assert f"/books/journal?party={company}" in page


def test_the_log_lists_events_in_words_newest_first(reader: Reader, invoice: Product) -> None:
    page = reader.text("/books/log")
    assert page.index("Late fees of 2012-03-15 are complete") < page.index("Invoice financed")
    assert "<b>Late fee of 0.04 USD for 2012-03-13</b> on invoice a product" in page


def test_the_log_is_filtered_by_the_given_values(reader: Reader, invoice: Product) -> None:
    page = reader.text("/books/log", type="PaymentApplied", actor="tester")
    assert "Payment received" in page
    assert "Invoice financed" not in page


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("type", "NoSuchEvent", "There is no event type NoSuchEvent."),
        ("category", "nothing", "There is no category nothing"),
        ("stream_id", "product-1", "it is a category, a hyphen and a uuid"),
        ("causation", "x", "it must be a whole number"),
        ("before", "-1", "it must be a whole number"),
    ],
)
def test_a_filter_that_cannot_be_is_refused(reader: Reader, name: str, value: str, reason: str) -> None:
    response = reader.get("/books/log", **{name: value})
    assert response.status_code == 400
    assert reason in response.content.decode()


def test_a_search_stops_after_so_many_events_and_says_where(database: object, invoice: Product) -> None:
    head = store.head().position
    found = search_back({"type": "ProductOriginated", "category": "product"}, before=head + 1, limit=10, scan_limit=2)
    assert [event.type for event in found.events] == ["ProductOriginated"]
    assert found.next_before is None
    nothing = search_back({"actor": "tester", "type": "ProductOriginated"}, before=head + 1, limit=10, scan_limit=2)
    assert nothing.events == ()
    assert nothing.next_before is not None
    seen: list[object] = []
    before = head + 1
    while before:
        some = search_back({"actor": "tester", "type": "ProductOriginated"}, before=before, limit=10, scan_limit=2)
        seen += some.events
        before = some.next_before or 0
    assert len(seen) == 1


def test_an_event_shows_its_words_its_dates_and_its_tree(reader: Reader, invoice: Product) -> None:
    fee = next(iter(store.read_all(types=["LateFeeIncurred"])))
    page = reader.text(f"/books/log/{fee.position}")
    assert '<h1>Late fee of 0.04 USD for 2012-03-13 <small class="subject">on invoice a product</small></h1>' in page
    assert "Late fee of 0.04 USD for 2012-03-13 on invoice a product <small>late_fees</small>" in page
    assert page.count(">product a product</a>") == len(("fees_receivable", "late_fee_income"))
    assert "<dd>2012-03-13</dd>" in page
    assert "Business date 2012-03-13 began" in page
    assert "late_fee_income" in page


def test_an_event_that_does_not_exist_says_where_the_head_is(reader: Reader, invoice: Product) -> None:
    head = store.head().position
    response = reader.get("/books/log/99999")
    assert response.status_code == 404
    assert f"There is no event at 99999; the head is {head}." in response.content.decode()


def test_a_stream_shows_states_and_what_changed(reader: Reader, invoice: Product) -> None:
    page = reader.text(f"/books/streams/product-{invoice.uuid}")
    assert "<h1>Stream of product a product</h1>" in page
    assert page.index("Invoice financed") < page.index("Payment received")
    assert 'is-marked">principal paid <b>45.00</b>' in page
    assert reader.get("/books/streams/product-0").status_code == 404


def test_an_event_that_this_code_cannot_read_is_shown_all_the_same(reader: Reader) -> None:
    company = new_company()
    with unguarded() as cursor:
        cursor.execute("UPDATE eventstore_event SET type = 'OfNewerCode' WHERE stream_id = %s", [f"company-{company}"])
    assert "OfNewerCode" in reader.text("/books/log")
    assert "OfNewerCode" in reader.text("/books/log/1")
    assert "OfNewerCode" in reader.text(f"/books/streams/company-{company}")


def test_links_to_another_moment_keep_what_the_page_was_asked_for(reader: Reader, invoice: Product) -> None:
    page = reader.text("/books/log", actor="late_fees")
    assert f"?actor=late_fees&amp;as_of={store.head().position}" in page
    assert '<input type="hidden" name="actor" value="late_fees">' in page


def test_a_figure_that_is_missing_is_empty() -> None:
    assert amount(None) == amount("") == ""
