"""Parameters that a page does not have, or that cannot be, are refused by name; the links of the pages all lead on."""

import re
from html import unescape
from urllib.parse import urlsplit

import pytest

from eventstore.consumers.loop import catch_up
from projectors.catalog import PROJECTORS
from tests.integration.books.conftest import Reader
from tests.support.ledger.book import DEBTOR, Product

pytestmark = pytest.mark.one_database

_LINK = re.compile(r'href="(/books/[^"#]*|\?[^"#]*)')
_MOST_OF_A_KIND = 1


@pytest.fixture
def addresses(invoice: Product) -> list[str]:
    """Return the address of each kind of page."""
    catch_up(*(projector.name for projector in PROJECTORS))
    return [
        "/books/",
        "/books/find",
        "/books/invoices",
        f"/books/invoices/{invoice.uuid}",
        "/books/customers",
        f"/books/customers/{DEBTOR}",
        f"/books/balances/company/{DEBTOR}",
        "/books/aging",
        "/books/trial-balance",
        "/books/trial-balance/principal_receivable/USD",
        "/books/journal",
        "/books/log",
        "/books/log/1",
        "/books/log/1/seal",
        f"/books/streams/product-{invoice.uuid}",
        "/books/why",
        "/books/sample",
        "/books/evidence",
        "/books/do",
        "/books/recorded/1/1",
        "/books/consumers",
        "/books/consumers/journal",
    ]


def test_a_parameter_that_is_unknown_or_given_twice_is_refused(addresses: list[str], reader: Reader) -> None:
    reasons = {
        "asof=1": "This page has no parameter asof",
        "as_of[]=1": "This page has no parameter as_of[]",
        "as_of=1&as_of=2": "as_of is given 2 times",
    }
    for address in addresses:
        for asked, reason in reasons.items():
            refused = reader.get(f"{address}?{asked}")
            assert (refused.status_code, reason in refused.content.decode()) == (400, True), (address, asked)


def test_a_value_that_cannot_be_is_refused(addresses: list[str], reader: Reader) -> None:
    assert addresses
    reasons = {
        "journal?from=0001-01-01": "business dates are from 1900-01-01 to 2999-12-31",
        "journal?to=9999-12-31": "to=9999-12-31 is not possible",
        "trial-balance/principal_receivable/USD?from=1899-12-31": "from=1899-12-31 is not possible",
        "invoices?due_to=3000-01-01": "due_to=3000-01-01 is not possible",
        "invoices?overdue=no": "it must be yes, or left out",
        "invoices?currency=USX": "There is no currency USX",
        "consumers/journal?done=nothing": "done=nothing is not possible",
        "aging?date=2024-02-30": "There is no date 2024-02-30",
        "aging?date=2024-02-20&as_of=1": "give one of them",
    }
    for address, reason in reasons.items():
        refused = reader.get(f"/books/{address}")
        assert (refused.status_code, reason in refused.content.decode()) == (400, True), address


def test_aging_is_found_by_its_date(addresses: list[str], reader: Reader) -> None:
    assert addresses
    led = reader.get("/books/aging", date="2024-02-20", format="csv")
    assert (led.status_code, led["Location"]) == (302, "/books/aging?format=csv&as_of=2024-02-20")


def test_every_link_of_a_page_leads_to_a_page(addresses: list[str], reader: Reader) -> None:
    waiting = [address for address in addresses if not address.endswith("/seal")]
    asked: set[str] = set()
    kinds: dict[tuple[str, ...], int] = {}
    while waiting:
        address = waiting.pop()
        path, parameters = urlsplit(address).path, urlsplit(address).query
        kind = (re.sub(r"[0-9a-f-]{8,}|[0-9]+", "…", path), *sorted(re.findall(r"(\w+)=", parameters)))
        kinds[kind] = kinds.get(kind, 0) + 1
        if address in asked or kinds[kind] > _MOST_OF_A_KIND:
            continue
        asked.add(address)
        page = reader.get(address)
        assert page.status_code in {200, 302, 404} or address.startswith(("/books/why", "/books/do")), address
        if page.streaming:
            page.close()  # gives its slot back
        elif page.status_code == 200:
            found = (unescape(link) for link in _LINK.findall(page.content.decode()))
            waiting += [path + link if link.startswith("?") else link for link in found if "evidence" not in link]
