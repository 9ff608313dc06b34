"""Pages of a past moment: they show nothing that was recorded later, and the names of then."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.records import NewEvent
from ledger.as_of import position_as_of
from ledger.rules.commands import (
    DeleteDeal,
    Destination,
    FundCompany,
    GrantBalances,
    RegisterCompany,
    RenameCompany,
    Source,
)
from ledger.rules.events import LateFeeWaived, SystemCycled
from tests.integration.books.conftest import Reader
from tests.integration.books.test_reports import rows_of
from tests.support.ledger.book import CONTEXT, DEBTOR, Book, Product
from tests.support.ledger.paid_late import DUE, PAID
from tests.support.ledger.portfolio import do, new_account, new_company, new_deal

LAST = PAID + timedelta(days=1)


def test_a_page_of_the_past_shows_no_later_figure(reader: Reader, invoice: Product) -> None:
    company = new_company()
    do(RegisterCompany(DEBTOR, "First debtor"))
    do(FundCompany(DEBTOR, Decimal("5.00"), "early", "USD"))
    account, deal = new_account(company), new_deal(line=4, tier="gold", company_uuid=company)
    do(RenameCompany(company, "First name"))
    day = Book().append("system", SystemCycled(LAST + timedelta(days=1)))
    catch_up()
    paths = ["/books/", f"/books/customers/{company}", f"/books/invoices?customer={DEBTOR}", "/books/invoices"]
    paths += ["/books/customers", "/books/aging", "/books/log", "/books/trial-balance/company_balances/USD"]
    paths += [f"/books/streams/product-{invoice.uuid}", f"/books/streams/company-{company}", f"/books/log/{day}"]
    at = [{"as_of": str(day)}, {"as_of": str(LAST), "known": str(day)}]
    shown = [(path, moment, _figures(reader, path, moment)) for path in paths for moment in at]
    assert f"event {day}" not in reader.text("/books/", as_of=str(LAST))
    do(FundCompany(company, Decimal("80.00"), "later", "USD"))
    do(RenameCompany(company, "Second name"))
    do(RenameCompany(DEBTOR, "Second debtor"))
    source, to = Source("company", company), Destination(company, account, Decimal("70.00"))
    do(GrantBalances(UUID(int=99), "later", (source,), (to,)))
    do(DeleteDeal(deal))
    Book().append(f"product-{invoice.uuid}", LateFeeWaived(Decimal("0.12"), "USD", "later"))
    store.append([NewEvent("system", SystemCycled(LAST + timedelta(days=2)))], replace(CONTEXT, causation=day))
    catch_up()
    assert [(path, moment, _figures(reader, path, moment)) for path, moment, _ in shown] == shown


def test_the_log_of_a_date_ends_where_the_date_ended(reader: Reader, invoice: Product) -> None:
    on = DUE + timedelta(days=1)
    ended = position_as_of(on, store.head().position)
    for known in ("now", "then"):
        rows = rows_of(reader, "/books/log", as_of=str(on), known=known)
        assert [int(row["position"]) for row in rows] == list(range(ended, 0, -1))
        assert f"/books/log/{ended + 1}?" not in reader.text("/books/log", as_of=str(on), known=known)
    assert f"it ends at position {ended}, where {on} ended" in reader.text("/books/log", as_of=str(on))
    assert reader.get(f"/books/log/{ended + 1}", as_of=str(ended)).status_code == 404


def test_a_stream_of_a_date_has_the_events_that_its_explanation_has(reader: Reader, invoice: Product) -> None:
    stream = f"product-{invoice.uuid}"
    for days in range(5):
        for known in ("now", "then"):
            at = {"as_of": str(DUE + timedelta(days=days)), "known": known}
            explained = rows_of(reader, f"/books/invoices/{invoice.uuid}", order="recorded", **at)
            shown = rows_of(reader, f"/books/streams/{stream}", **at)
            assert [row["position"] for row in shown] == [row["position"] for row in explained], at
            page = reader.text(f"/books/streams/{stream}", **at)
            outstanding = explained[-1]["fees_after"]
            assert f"fees outstanding {outstanding}" in re.sub(r"<[^>]+>", "", page.rpartition("all fields")[2]), at


def _figures(reader: Reader, path: str, moment: dict[str, str]) -> tuple[str, str]:
    page = reader.text(path, **moment)
    rows = reader.get(path, format="csv", **moment)
    return page.partition("<main")[2], b"".join(rows.streaming_content).decode()
