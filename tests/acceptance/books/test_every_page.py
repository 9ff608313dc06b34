"""Every page of Books in a browser: light and dark, on a phone, without JavaScript, by keyboard."""

import re
from typing import Final

import pytest
from django.urls import resolve
from playwright.sync_api import Browser

from eventstore import store
from tests.acceptance.books.conftest import Books
from tests.acceptance.books.ledger_answers import PaidLate
from tests.support.browser.reading import hindrances
from tests.support.browser.visitor import Visitor
from web.books.urls import urlpatterns

ELSEWHERE: Final = {"login", "logout", "consumer-act", "webhook-act", "webhook-register", "seal-proof"}
"""Names of addresses that no page of the list has: four take forms, one sends a file, one is shown to strangers."""

PARTS: Final = 3
"""Parts of the list of pages, which may be looked at at the same time."""

MOST_TABS: Final = 12


@pytest.fixture(scope="package")
def pages(books: Books, late: PaidLate) -> list[str]:
    """Return the pages that are looked at; a new page of Books is added here."""
    product, company, fee = late.product_uuid, books.funded, late.fees[0]
    asset = next(store.read_stream(f"product-{product}")).data.asset_uuid
    moment = f"as_of={late.on}"
    return [
        "/books/",
        f"/books/?{moment}",
        f"/books/?{moment}&known=then",
        f"/books/find?q={late.customer[:2]}",
        "/books/find?q=nothing+is+named+so",
        "/books/invoices",
        f"/books/invoices/{product}",
        f"/books/invoices/{product}?order=recorded&{moment}",
        "/books/customers",
        f"/books/customers/{company}",
        f"/books/balances/company/{company}",
        f"/books/balances/asset/{asset}",
        f"/books/balances/account/{books.account}",
        f"/books/aging?{moment}",
        f"/books/trial-balance?{moment}&known=then",
        f"/books/trial-balance/fees_receivable/USD?{moment}",
        f"/books/journal?account=fees_receivable&from={late.on}&to={late.on}",
        "/books/log?before=20",
        "/books/log?type=DealDeleted",
        f"/books/log/{fee.position}",
        f"/books/log/{fee.causation}",
        f"/books/streams/product-{product}",
        f"/books/why?product={product}&date={late.on}",
        "/books/do",
        "/books/do/grant-balances",
        "/books/do/reverse-payment",
        f"/books/recorded/{books.head}/{books.head}",
        f"/books/sample?kind=products&seed=browser&n=5&as_of={books.head}",
        "/books/sample",
        "/books/evidence",
        "/books/consumers",
        "/books/consumers/late_fees",
        "/books/webhooks",
        f"/books/webhooks/{books.webhook}",
    ]


REFUSED: Final = ("/books/log/99999999", "/books/aging?as_of=2012-02-30", "/books/consumers/nothing")


def test_every_address_of_books_is_looked_at(pages: list[str]) -> None:
    looked_at = {resolve(page.partition("?")[0]).url_name for page in pages}
    assert looked_at == {pattern.name for pattern in urlpatterns} - ELSEWHERE


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_readable_in_light_and_dark_and_on_a_phone_and_the_same_without_javascript(
    visitor: Visitor, browser: Browser, books: Books, pages: list[str], part: int
) -> None:
    faults: list[str] = []
    with Visitor(browser, books.url, books.state, scripts=False) as plain:
        for page in (*pages, *REFUSED)[part::PARTS]:
            visitor.open(page)
            shown = what_is_shown(visitor, page)
            faults += [f"{page}: {fault}" for fault in hindrances(visitor.page)]
            plain.open(page)
            assert what_is_shown(plain, page) == shown, page
    for each in (visitor, plain):
        each.complaints = [complaint for complaint in each.complaints if not is_of_a_refusal(complaint)]
    assert plain.complaints == []
    assert not faults, "\n".join(faults)


def test_a_stranger_can_log_in_in_light_and_dark_and_on_a_phone(browser: Browser, books: Books) -> None:
    with Visitor(browser, books.url, None) as stranger:
        stranger.open("/books/login/")
        assert hindrances(stranger.page) == []
        assert stranger.complaints == []


def is_of_a_refusal(complaint: str) -> bool:
    """Say whether the browser notes that a page which must be refused was refused."""
    return "Failed to load resource" in complaint and any(page in complaint for page in REFUSED)


def what_is_shown(visitor: Visitor, page: str) -> tuple[str, str]:
    """Return the title and the text of a page, without what only a script can do."""
    return visitor.page.title(), without_the_time(visitor.text().replace(" · print", ""), page)


def without_the_time(text: str, page: str) -> str:
    """Return a text without the numbers that move with the clock."""
    return re.sub(r"[0-9]+", "#", text) if page.startswith("/books/consumers") else text


def test_a_page_is_printed_by_a_click(visitor: Visitor) -> None:
    visitor.page.evaluate("window.print = () => { document.title = 'printed' }")
    visitor.page.get_by_role("button", name="print").click()
    assert visitor.page.title() == "printed"


def test_the_search_is_reached_by_the_tabulator_key(visitor: Visitor) -> None:
    for _ in range(MOST_TABS):
        visitor.page.keyboard.press("Tab")
        if visitor.page.evaluate("document.activeElement.id") == "q":
            return
    pytest.fail(f"the search is not reached within {MOST_TABS} tabulators")


def test_the_first_tabulator_offers_to_skip_to_the_content(visitor: Visitor) -> None:
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.press("Enter")
    assert visitor.page.evaluate("document.activeElement.id") == "content"
