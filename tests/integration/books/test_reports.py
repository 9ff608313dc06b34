"""The pages of today, of sums, of aging, of customers and of invoices, and the search."""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from itertools import count
from uuid import uuid4

import pytest

from eventstore import store
from eventstore.consumers.loop import catch_up
from ledger.rules.commands import RegisterCompany
from projectors.explain import journal as explain_journal
from tests.integration.books.conftest import Reader
from tests.support.ledger.book import DEBTOR, Book, Product
from tests.support.ledger.paid_late import DUE, PAID
from tests.support.ledger.portfolio import do
from web.books import sums

LAST = PAID + timedelta(days=1)


@pytest.fixture
def debtor(invoice: Product) -> None:
    """Register the company that owes the invoice."""
    do(RegisterCompany(DEBTOR, "Alder Stores"))
    catch_up()


def rows_of(reader: Reader, path: str, **parameters: str) -> list[dict[str, str]]:
    response = reader.get(path, format="csv", **parameters)
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))


def test_today_shows_the_date_the_trial_balance_and_what_is_owed(reader: Reader, invoice: Product) -> None:
    page = reader.text("/books/")
    assert f"<h1>Business date {LAST}</h1>" in page
    assert "debits and credits are both <b>90.12</b>" in page
    assert "Its late fees are complete." in page


def test_today_of_a_past_date_says_that_its_fees_were_not_complete(reader: Reader, invoice: Product) -> None:
    page = reader.text("/books/", as_of=str(DUE + timedelta(days=1)), known="then")
    assert "Late fees are complete for no date yet" in page


@pytest.mark.one_database
def test_an_empty_ledger_says_what_to_do(reader: Reader) -> None:
    assert "manage.py daily_cycle" in reader.text("/books/")
    for path in ("invoices", "customers", "aging", "trial-balance", "journal", "log"):
        assert 'class="empty"' in reader.text(f"/books/{path}")


def test_the_trial_balance_is_zero_and_its_csv_has_the_same_sums(reader: Reader, invoice: Product) -> None:
    assert "Debits and credits are equal." in reader.text("/books/trial-balance")
    rows = {row["account"]: row for row in rows_of(reader, "/books/trial-balance")}
    assert rows["fees_receivable"]["net"] == "0.12"
    assert sum(Decimal(row["net"]) for row in rows.values()) == 0


def test_the_trial_balance_of_a_date_is_known_then_and_now(reader: Reader, invoice: Product) -> None:
    on = str(DUE + timedelta(days=2))
    then = {row["account"] for row in rows_of(reader, "/books/trial-balance", as_of=on, known="then")}
    now = {row["account"]: row["net"] for row in rows_of(reader, "/books/trial-balance", as_of=on)}
    assert "fees_receivable" not in then
    assert now["fees_receivable"] == "0.08"


def test_the_journal_has_running_totals_and_filters(reader: Reader, invoice: Product) -> None:
    rows = rows_of(reader, "/books/journal", account="late_fee_income")
    assert [row["running"] for row in rows] == ["-0.04", "-0.08", "-0.12"]
    by_business = rows_of(reader, "/books/journal", by="business", **{"from": "2012-03-14", "to": "2012-03-14"})
    assert {row["event_type"] for row in by_business} == {"LateFeeIncurred"}
    assert rows_of(reader, "/books/journal", by="booking", **{"from": "2012-03-14", "to": "2012-03-14"}) == []
    assert "Late" in reader.text("/books/journal", party=str(invoice.uuid))


def test_a_later_page_of_the_journal_continues_the_running_totals_of_its_file(
    reader: Reader, invoice: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "_PAGE", 1)
    rows = rows_of(reader, "/books/journal", account="late_fee_income")
    after = f"{rows[0]['position']}.{rows[0]['line']}"
    page = reader.text("/books/journal", account="late_fee_income", after=after)
    assert f"<b>{rows[1]['running']}</b> USD" in page
    assert "from the first line that matches on" in page
    assert ">product a product</a>" in page
    monkeypatch.setattr(explain_journal, "MOST_BEFORE", 0)
    page = reader.text("/books/journal", account="late_fee_income", after=after)
    assert "<b>-0.04</b> USD" in page
    assert "from the first line of this page on" in page


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"account": "cash"}, "There is no account cash"),
        ({"from": "2012-03-14", "to": "2012-03-13"}, "from=2012-03-14 is after to=2012-03-13."),
        ({"from": "2012-02-30"}, "There is no date 2012-02-30."),
        ({"by": "name"}, "it must be booking or business"),
        ({"party": "x"}, "it must be a uuid"),
        ({"after": "x"}, "it must be a position and a line"),
    ],
)
def test_a_filter_of_the_journal_that_cannot_be_is_refused(
    reader: Reader, invoice: Product, parameters: dict[str, str], reason: str
) -> None:
    response = reader.get("/books/journal", **parameters)
    assert response.status_code == 400
    assert reason in response.content.decode()


@pytest.mark.one_database
@pytest.mark.parametrize("path", ["journal", "evidence", "trial-balance/late_fee_income/USD", "invoices"])
def test_each_page_refuses_a_period_that_ends_before_it_begins(reader: Reader, invoice: Product, path: str) -> None:
    first, last = ("due_from", "due_to") if path == "invoices" else ("from", "to")
    response = reader.get(f"/books/{path}", **{first: "2012-03-14", last: "2012-03-13"}, as_of="1")
    assert response.status_code == 400
    assert f"{first}=2012-03-14 is after {last}=2012-03-13." in response.content.decode()


def test_aging_shows_what_was_known_then_beside_what_is_known_now(reader: Reader, invoice: Product) -> None:
    rows = rows_of(reader, "/books/aging", as_of=str(PAID))
    fees = {(row["known"], row["bucket"]): row["fees"] for row in rows}
    assert fees["then", "1-30"] == "0.00"
    assert fees["now", "1-30"] == "0.08"
    assert "As known then" in reader.text("/books/aging", as_of=str(PAID))


def test_customers_are_ranked_and_one_has_a_statement_with_a_running_balance(reader: Reader, debtor: None) -> None:
    assert "<b>fees charged</b>" in reader.text("/books/customers", by="fees_incurred")
    rows = rows_of(reader, f"/books/customers/{DEBTOR}", **{"from": "2012-01-01"})
    assert [row["balance"] for row in rows] == ["45.00", "45.04", "45.08", "0.08", "0.12"]
    assert "Alder Stores" in reader.text(f"/books/customers/{DEBTOR}")


def test_a_statement_of_a_period_begins_with_what_was_owed_before(reader: Reader, debtor: None) -> None:
    rows = rows_of(reader, f"/books/customers/{DEBTOR}", **{"from": "2012-03-14", "to": "2012-03-14"})
    assert [(row["what"], row["balance"]) for row in rows] == [("opening", "45.04"), ("Late fee", "45.08")]


def test_customers_of_a_date_are_known_then_and_now(reader: Reader, debtor: None) -> None:
    on = str(DUE + timedelta(days=2))
    figures = ("owed", "overdue", "fees_incurred", "invoices")
    then = rows_of(reader, "/books/customers", as_of=on, known="then")
    now = rows_of(reader, "/books/customers", as_of=on)
    assert [[row[name] for name in figures] for row in then] == [["45.00", "45.00", "0.00", "1"]]
    assert [[row[name] for name in figures] for row in now] == [["45.08", "45.08", "0.08", "1"]]
    assert "<b>45.08</b>" in reader.text("/books/customers", as_of=on)
    assert "<b>45.08</b>" in reader.text(f"/books/customers/{DEBTOR}", as_of=on)
    assert rows_of(reader, "/books/customers")[0]["owed"] == "0.12"
    assert rows_of(reader, "/books/customers", as_of="1") == []


@pytest.mark.one_database
@pytest.mark.parametrize(
    "path",
    ["", "invoices", "invoices/{invoice}", "customers", f"customers/{DEBTOR}", "aging", "trial-balance", "journal"],
)
def test_a_report_whose_fees_are_not_complete_says_so(
    reader: Reader, debtor: None, invoice: Product, path: str
) -> None:
    address = f"/books/{path.format(invoice=invoice.uuid)}"
    for days in (1, 2):
        Book().cycle(LAST + timedelta(days=days))
    incomplete = f"Late fees are complete only through {LAST}"
    assert incomplete in reader.text(address)
    assert incomplete not in reader.text(address, as_of=str(LAST))
    if path:
        response = reader.get(address, format="csv")
        assert (response["Fees-Complete"], response["Fees-Assessed-Through"]) == ("false", str(LAST))
        rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
        assert {row["fees_complete"] for row in rows} <= {"false"}
        assert reader.get(address, format="csv", as_of=str(LAST))["Fees-Complete"] == "true"


def test_the_beginning_of_a_date_needs_no_fees_of_the_date(reader: Reader, invoice: Product) -> None:
    Book().cycle(LAST + timedelta(days=1))
    assert "Late fees are complete only through" in reader.text("/books/customers")
    assert "Late fees are complete only through" not in reader.text("/books/aging")


@pytest.mark.one_database
def test_customers_cannot_be_ranked_by_anything_else(reader: Reader) -> None:
    assert reader.get("/books/customers", by="name").status_code == 400
    assert reader.get(f"/books/customers/{uuid4()}").status_code == 404


def test_invoices_are_listed_by_due_date(reader: Reader, debtor: None) -> None:
    rows = rows_of(reader, "/books/invoices")
    assert [(row["reference"], row["customer"], row["owed"]) for row in rows] == [("a product", "Alder Stores", "0.12")]
    assert rows_of(reader, "/books/invoices", due_to="2012-01-01") == []
    for wrong in (
        {"by": "name"},
        {"status": "late"},
        {"after": "x"},
        {"customer": "zebra"},
        {"status": "paid", "by": "owed"},
    ):
        assert reader.get("/books/invoices", **wrong).status_code == 400


def test_the_products_of_a_bucket_add_up_to_it(reader: Reader, debtor: None) -> None:
    buckets = {(row["known"], row["bucket"]): row for row in rows_of(reader, "/books/aging", as_of=str(PAID))}
    for known, owed in (("then", "45.00"), ("now", "45.08")):
        parameters = {"as_of": str(PAID - timedelta(days=1)), "known": known, "due_from": "2012-02-14"}
        rows = rows_of(reader, "/books/invoices", due_to="2012-03-14", currency="USD", **parameters)
        assert [row["owed"] for row in rows] == [owed] == [buckets[known, "1-30"]["owed"]]
    page = reader.text("/books/aging", as_of=str(PAID))
    assert "/books/invoices?as_of=2012-03-14&amp;known=then&amp;due_from=2012-02-14&amp;due_to=2012-03-14" in page
    assert "Alder Stores" in page


@pytest.mark.parametrize("known", ["then", "now"])
def test_the_customers_of_each_bucket_add_up_to_it(reader: Reader, debtor: None, known: str) -> None:
    moment = {"as_of": str(PAID), "known": known}
    buckets = {row["bucket"]: row["owed"] for row in rows_of(reader, "/books/aging", **moment) if row["known"] == known}
    [row] = rows_of(reader, "/books/aging", of="customers", **moment)
    assert (row["customer"], row["currency"]) == ("Alder Stores", "USD")
    assert {name: row[name] for name in buckets} == dict.fromkeys(buckets, "0.00") | {"1-30": buckets["1-30"]}
    assert row["overdue"] == row["owed"] == buckets["1-30"]
    for by in ("overdue", "owed"):
        page = reader.text("/books/aging", by=by, **moment)
        assert f'<td class="n less">{buckets["1-30"]}</td>' in page.partition('id="customers"')[2]
    assert "Alder Stores" not in reader.text("/books/aging", start="1", **moment)
    for wrong in ({"by": "name"}, {"of": "banks"}, {"start": "-1"}):
        assert reader.get("/books/aging", **wrong).status_code == 400


def test_invoices_are_filtered_sorted_and_totalled(reader: Reader, debtor: None) -> None:
    page = reader.text("/books/invoices", by="fees", customer="alder", overdue="yes")
    assert "Most fees in USD first" in page
    assert '<td class="n">1</td><td class="n">0.12</td><td class="n"><b>0.12</b></td>' in page
    assert rows_of(reader, "/books/invoices", status="paid") == []
    assert rows_of(reader, "/books/invoices", customer=str(uuid4())) == []
    on = str(DUE)
    assert [row["owed"] for row in rows_of(reader, "/books/invoices", as_of=on)] == ["45.00"]
    assert reader.get("/books/invoices", as_of=on, by="owed").status_code == 400


def test_a_long_statement_is_paged_with_the_same_balances(
    reader: Reader, debtor: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.books.customers._LINES", 2)
    address = f"/books/customers/{DEBTOR}"
    first = reader.text(address, **{"from": "2012-01-01"})
    assert "<b>45.04</b>" in first
    assert "Owed at the end" not in first
    place = re.search(r"after=(2012-[0-9-]+~[0-9]+)#statement", first.replace("%7E", "~"))
    assert place is not None
    second = reader.text(address, **{"from": "2012-01-01", "after": place[1]})
    assert "<b>45.08</b>" in second
    assert "<b>0.08</b>" in second
    assert reader.get(address, after="x").status_code == 400


@pytest.mark.one_database
def test_a_page_on_paper_names_its_permanent_address(reader: Reader, debtor: None) -> None:
    page = reader.text(f"/books/customers/{DEBTOR}", **{"from": "2012-01-01"})
    head = store.head().position
    assert f"/books/customers/{DEBTOR}?from=2012-01-01&amp;as_of={head}</p>" in page
    assert "Statement from 2012-01-01</h2>" in page


def test_one_hit_of_a_search_is_gone_to(reader: Reader, debtor: None, invoice: Product) -> None:
    assert reader.get("/books/find", q="alder")["Location"] == f"/books/customers/{DEBTOR}"
    assert reader.get("/books/find", q=str(invoice.uuid))["Location"] == f"/books/invoices/{invoice.uuid}"
    assert reader.get("/books/find", q=f"product-{invoice.uuid}")["Location"].startswith("/books/streams/")
    assert reader.get("/books/find", q="3")["Location"] == "/books/log/3"
    assert reader.get("/books/find", q="2012-03-13")["Location"] == "/books/?as_of=2012-03-13"


@pytest.mark.one_database
def test_a_page_that_is_not_found_says_how_to_search(reader: Reader, debtor: None) -> None:
    assert "by the beginnings of their words" in reader.text("/books/find", q="zebra")
    assert "Type an invoice" in reader.text("/books/find")
    assert "There is no event at 99999; the head is" in reader.text("/books/find", q="99999")
    assert "There is no date 2012-02-30." in reader.text("/books/find", q="2012-02-30")


@pytest.mark.one_database
def test_a_search_with_a_moment_goes_to_an_address_that_exists(reader: Reader, debtor: None) -> None:
    assert reader.get("/books/find", q="2012-03-13", as_of="1")["Location"] == "/books/?as_of=2012-03-13"
    assert reader.get("/books/find", q="alder", as_of="12")["Location"] == f"/books/customers/{DEBTOR}?as_of=12"


@pytest.mark.one_database
def test_an_export_of_the_present_is_named_so(reader: Reader, debtor: None) -> None:
    response = reader.get("/books/customers", format="csv")
    assert f"as-of-{store.head().position}.csv" in response["Content-Disposition"]


@pytest.mark.one_database
def test_the_file_of_an_order_by_amounts_has_the_currency_of_the_page(reader: Reader, debtor: None) -> None:
    book = Book(count(100))
    book.invoice(LAST, "9000", currency="JPY")
    book.invoice(LAST, "80.00")
    catch_up()
    for by in ("owed", "fees"):
        page = reader.text("/books/invoices", by=by)
        [shown] = re.findall(r"Most \w+ in (\w+) first", page)
        assert {row["currency"] for row in rows_of(reader, "/books/invoices", by=by)} == {shown}
    assert {row["currency"] for row in rows_of(reader, "/books/invoices")} == {"JPY", "USD"}
