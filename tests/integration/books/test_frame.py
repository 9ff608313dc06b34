"""Every page: who may see it, which moment it shows, what it answers to an impossible address; and the search."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User

from eventstore import store
from eventstore.consumers.loop import catch_up
from ledger.rules.commands import (
    ActivateDeal,
    CreateDeal,
    OpenFundingAccount,
    OriginateProduct,
    RegisterAsset,
    RegisterCompany,
)
from ledger.rules.events import DealCompany, LateFeeWaived
from tests.integration.books.conftest import Reader
from tests.support.ledger.book import Book, Product
from tests.support.ledger.paid_late import DUE, PAID
from tests.support.ledger.portfolio import do
from web.slots import SlotKind, slots

LAST = PAID + timedelta(days=1)


@pytest.fixture
def path(invoice: Product) -> str:
    return f"/books/invoices/{invoice.uuid}"


@pytest.mark.one_database
def test_somebody_without_a_session_is_sent_to_log_in(path: str) -> None:
    response = Reader(None).get(path)
    assert response.status_code == 302
    assert response["Location"] == f"/books/login/?next={path}"


@pytest.mark.one_database
def test_somebody_without_the_permission_is_refused(path: str) -> None:
    response = Reader(User.objects.create_user("nobody")).get(path)
    assert response.status_code == 403
    assert "ledger.view_ledger" in response.content.decode()


@pytest.mark.one_database
def test_staff_is_not_needed(path: str, reader: Reader) -> None:
    assert reader.get(path).status_code == 200


@pytest.mark.one_database
def test_a_page_that_is_read_takes_no_other_method(path: str, reader: Reader) -> None:
    assert reader.post(path).status_code == 405


def test_a_page_of_the_present_names_its_date_and_position(path: str, reader: Reader) -> None:
    head = store.head().position
    assert f"As of <b>{LAST}</b>, position <b>{head}</b>" in reader.text(path)
    assert f"?as_of={head}" in reader.text(path)


def test_as_known_then_cuts_by_the_order_of_recording(path: str, reader: Reader) -> None:
    page = reader.text(path, as_of=str(DUE + timedelta(days=2)), known="then")
    assert "as it was known then" in page
    assert "<b>45.00 USD</b>" in page


def test_as_known_now_cuts_by_the_date_that_counts(path: str, reader: Reader) -> None:
    page = reader.text(path, as_of=str(DUE + timedelta(days=2)))
    assert "as it is known now" in page
    assert "<b>45.08 USD</b>" in page


def test_a_permanent_link_of_a_date_shows_the_same_after_more_is_recorded(path: str, reader: Reader) -> None:
    before = store.head().position - 2
    page = reader.text(path, as_of=str(DUE + timedelta(days=2)), known=str(before))
    assert f"position <b>{before}</b>" in page
    assert "<b>45.08 USD</b>" in page


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"as_of": "2012-02-30"}, "There is no date 2012-02-30."),
        ({"as_of": "yesterday"}, "it must be a date such as 2026-01-31, or a position"),
        ({"as_of": "999999"}, "There is no event at 999999; the head is"),
        ({"as_of": "2030-01-01"}, "2030-01-01"),
        ({"as_of": "2012-03-13", "known": "perhaps"}, "it must be now, then or a position"),
        ({"as_of": "2012-03-13", "known": "1"}, "2012-03-13 began at event"),
        ({"known": "then"}, "name the date in as_of"),
        ({"order": "name"}, "it must be counts or recorded"),
        ({"format": "xlsx"}, "it must be csv"),
    ],
)
def test_an_address_that_cannot_be_is_refused_with_the_reason(
    path: str, reader: Reader, parameters: dict[str, str], reason: str
) -> None:
    response = reader.get(path, **parameters)
    assert response.status_code == 400
    assert reason in response.content.decode()


@pytest.mark.one_database
def test_what_does_not_exist_is_not_found(reader: Reader, invoice: Product) -> None:
    response = reader.get("/books/invoices/00000000-0000-0000-0000-000000000000")
    assert response.status_code == 404
    assert "There is no product" in response.content.decode()


@pytest.mark.one_database
def test_a_person_who_is_not_staff_can_log_in_and_out(reader: Reader) -> None:
    stranger = Reader(None)
    assert stranger.post("/books/login/", username="auditor", password="wrong").status_code == 200
    response = stranger.post("/books/login/", username="auditor", password="auditor", next="/books/log")
    assert response["Location"] == "/books/log"
    assert stranger.get("/books/log").status_code == 200
    stranger.post("/books/logout/")
    assert stranger.get("/books/log").status_code == 302


@pytest.mark.one_database
@pytest.mark.usefixtures("invoice")
def test_a_page_of_the_past_holds_a_slot_and_says_when_to_come_back(reader: Reader) -> None:
    paths = ("/books/", "/books/trial-balance", "/books/log", "/books/trial-balance.csv")
    for _ in range(5):
        for path in paths:
            assert reader.get(path, as_of="3").status_code in {200, 404}  # each gives its slot back
    assert reader.user_id is not None
    taken = []
    while (slot := slots.take(reader.user_id, 3600, SlotKind.FOLDING)) is not None:
        taken.append(slot)
    try:
        refused = reader.get("/books/trial-balance", as_of="3")
        assert refused.status_code == 429
        assert 1 <= int(refused["Retry-After"]) <= 3600
        assert f"Try again in {refused['Retry-After']} s" in refused.content.decode()
        assert reader.get("/books/trial-balance").status_code == 200
    finally:
        for slot in taken:
            slot.give_back()


def financed(reference: str, of_asset: str) -> tuple[UUID, UUID]:
    """Finance an asset of one reference by an invoice of another; return the uuids of the invoice and the asset."""
    invoice, asset, deal, seller, company = (uuid4() for _ in range(5))
    do(RegisterCompany(seller, f"Company {seller}"))
    do(RegisterCompany(company, f"Company {company}"))
    do(CreateDeal(deal, 1, (DealCompany(company, "debtor"),)))
    do(ActivateDeal(deal))
    do(RegisterAsset(asset, Decimal("10.00"), seller, company, of_asset, "USD"))
    terms = (Decimal("10.00"), date(2026, 1, 1), Decimal("0.001"), "debtor")
    do(OriginateProduct(invoice, deal, *terms, reference, asset, currency="USD"))
    return invoice, asset


def test_an_invoice_and_the_asset_that_bears_its_reference_are_one_hit(reader: Reader) -> None:
    invoice, asset = financed("INV-100", "INV-100")
    other, its_asset = financed("INV-101 b", "INV-101")
    catch_up()
    for q in ("INV-100", "inv-10 0"):
        assert reader.get("/books/find", q=q)["Location"] == f"/books/invoices/{invoice}"
    assert f"/books/balances/asset/{asset}" in reader.text(f"/books/invoices/{invoice}")
    page = reader.text("/books/find", q="INV-101")
    assert f"/books/balances/asset/{its_asset}" in page
    assert f"/books/invoices/{other}" in page


def test_accounts_are_found_by_their_label_and_beside_their_company(reader: Reader) -> None:
    companies, account = [uuid4(), uuid4()], uuid4()
    for number, uuid in enumerate(companies):
        do(RegisterCompany(uuid, f"Alder {number}"))
    do(OpenFundingAccount(account, companies[0], "Reserve"))
    catch_up()
    page = f"/books/balances/account/{account}"
    assert reader.get("/books/find", q="reserve")["Location"] == page
    assert f'<a href="{page}">Reserve of Alder 0</a>' in reader.text("/books/find", q="alder")
    customer = reader.get("/books/find", q="alder 0")["Location"]
    assert page in reader.text(customer)


@pytest.mark.one_database
def test_a_search_keeps_the_moment_of_the_page(reader: Reader, invoice: Product) -> None:
    page = reader.text("/books/invoices", as_of=str(DUE), known="then")
    form = page[page.index('role="search"') : page.index('id="q"')]
    assert f'<input type="hidden" name="as_of" value="{DUE}">' in form
    assert '<input type="hidden" name="known" value="then">' in form
    assert '"hidden"' not in reader.text("/books/invoices").partition('role="search"')[2].partition("<label")[0]
    found = reader.get("/books/find", q=str(invoice.uuid), as_of=str(DUE), known="then")
    assert found["Location"] == f"/books/invoices/{invoice.uuid}?as_of={DUE}&known=then"


def test_today_of_a_past_date_names_the_event_that_began_it(reader: Reader, invoice: Product) -> None:
    on = DUE + timedelta(days=1)
    cycle = next(event for event in store.read_all(types=["SystemCycled"]) if event.data.new_date == on)
    for known in ("now", "then"):
        assert f">event {cycle.position}</a>" in reader.text("/books/", as_of=str(on), known=known)
    assert "This date never began" in reader.text("/books/", as_of="1999-12-31")


def test_a_page_and_its_file_say_which_read_models_are_behind(reader: Reader, invoice: Product) -> None:
    reached = store.head().position
    Book().append(f"product-{invoice.uuid}", LateFeeWaived(Decimal("0.12"), "USD", "later"))
    paths = ("/books/", "/books/aging", "/books/journal", "/books/trial-balance/principal_receivable/USD")
    for path in paths:
        assert f"is at position {reached}" in reader.text(path), path
        assert f"only-through-{reached}-as-of-{reached + 1}" in _file(reader, path), path
        assert "is at position" not in reader.text(path, as_of=str(reached)), path
        assert "only-through" not in _file(reader, path, as_of=str(reached)), path
    for path in ("/books/invoices", "/books/customers", "/books/trial-balance"):
        assert f"1 events behind position {reached + 1}" in reader.text(path), path
        assert f"only-through-{reached}" in _file(reader, path), path


def _file(reader: Reader, path: str, **moment: str) -> str:
    rows = reader.get(path, format="csv", **moment)
    rows.close()
    return str(rows["Content-Disposition"])
