"""A permanent link to a page of Books shows the same figures after the read models were rebuilt."""

from eventstore.consumers.loop import catch_up, report_nothing, show_nothing
from eventstore.consumers.rebuild import rebuild_runner, run
from eventstore.runtime.shutdown import Stop
from tests.acceptance.books.conftest import ADMINISTRATOR, Books
from tests.acceptance.books.ledger_answers import PaidLate
from tests.support.browser.visitor import Visitor

REBUILT = ("financial_products", "journal", "aging")


def test_permanent_links_show_the_same_figures_after_a_rebuild(visitor: Visitor, books: Books, late: PaidLate) -> None:
    catch_up()
    links = {}
    for page in (
        f"/books/?as_of={late.on}",
        f"/books/invoices/{late.product_uuid}?as_of={late.on}",
        f"/books/customers/{books.funded}",
        f"/books/balances/company/{books.funded}?as_of={books.before}",
        f"/books/aging?as_of={late.on}",
        f"/books/trial-balance?as_of={late.on}",
        f"/books/journal?account=fees_receivable&from={late.on}&to={late.on}",
        f"/books/log/{late.fees[0].position}",
        f"/books/streams/product-{late.product_uuid}",
    ):
        visitor.open(page)
        visitor.click("permanent link")
        links[visitor.page.url] = visitor.text()
    for name in REBUILT:
        rebuild = rebuild_runner(name)
        rebuild.begin(name, actor=ADMINISTRATOR)
        assert run(rebuild, Stop(), show_nothing, report_nothing)
    for link, text in links.items():
        visitor.open(link)
        assert visitor.text() == text, link
