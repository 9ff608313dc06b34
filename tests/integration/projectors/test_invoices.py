"""Lists of invoices and statements, now and at past moments, against a fold of the events."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connections

from eventstore import store
from eventstore.consumers.loop import catch_up
from ledger import as_of
from ledger.rules.money import from_minor
from projectors.events.dates import DatedEvent, dated_since
from projectors.events.payloads import minor
from projectors.explain.customer import Statement
from projectors.explain.figures import Cut
from projectors.financial_products import FinancialProducts, change_of
from projectors.models import FinancialProduct, OwedProduct
from projectors.queries.invoices import ORDERS, STATUSES, Place, Wanted, invoices, owed_at, totals
from projectors.queries.live import live
from tests.support.databases import Database
from tests.support.ledger.random_histories import History, record

CURRENCIES = ("USD", "JPY", "KWD")


@pytest.fixture
def events(database: Database) -> list[DatedEvent]:
    record(History(35, 300, fees_late=True).appends)
    catch_up("customers", "journal", "financial_products", "directory")
    return list(dated_since(None, list(store.read_all())))


def counting(events: Iterable[DatedEvent], day: date) -> list[DatedEvent]:
    return [one for one in events if one.business_date is None or one.business_date <= day.isoformat()]


def owed_by_products(events: Iterable[DatedEvent]) -> dict[UUID, tuple[int, int]]:
    owed: dict[UUID, tuple[int, int]] = {}
    for event, payload, _, _ in events:
        if event.type == "ProductOriginated":
            owed[event.uuid] = (minor(payload["principal"]), 0)
        elif event.type in FinancialProducts.types:
            change = change_of(event.type, payload)
            principal, fees = owed[event.uuid]
            owed[event.uuid] = (principal + change["principal_outstanding"], fees + change["fees_outstanding"])
    return {uuid: figures for uuid, figures in owed.items() if any(figures)}


def listed_at(position: int, until: date | None) -> dict[UUID, tuple[int, int]]:
    found = [one for one in owed_at(position, until, Wanted()) if one.principal or one.fees]
    assert [one.product.due_date for one in found] == sorted(one.product.due_date for one in found)
    return {one.product.product_uuid: (one.principal, one.fees) for one in found}


def test_what_was_owed_on_a_date_is_listed_as_known_then_and_now(events: list[DatedEvent]) -> None:
    head = store.head().position
    differing = 0
    for cycle in store.read_all(types=["SystemCycled"]):
        day = cycle.data.new_date
        ended = as_of.position_as_of(day, head)
        then, now = listed_at(ended, None), listed_at(head, day)
        assert then == owed_by_products(one for one in events if one.event.position <= ended)
        assert now == owed_by_products(counting(events, day))
        differing += then != now
        looked_at = list(owed_at(head, day, Wanted()))
        assert list(owed_at(head, day, Wanted(), most=3)) == looked_at[:3]
        for one in looked_at:
            place = (one.product.due_date, one.product.product_uuid)
            assert list(owed_at(head, day, Wanted(), place, 1)) == looked_at[looked_at.index(one) + 1 :][:1]
    assert differing


def test_a_list_is_paged_by_key_in_every_order_and_its_totals_are_its_sums(events: list[DatedEvent]) -> None:
    assert {(row.product_uuid, row.status) for row in live(OwedProduct)} == {
        (row.product_uuid, row.status) for row in live(FinancialProduct)
    }
    middle = sorted(live(OwedProduct).values_list("due_date", flat=True))[5]
    for status in STATUSES:
        for wanted in (Wanted(status), Wanted(status, due_from=middle), Wanted(status, due_to=middle)):
            whole = list(invoices(wanted, "due"))
            counts = Counter(row.currency for row in whole)
            assert {total.currency: total.invoices for total in totals(wanted)} == counts
            for total in totals(wanted):
                of_currency = [row for row in whole if row.currency == total.currency]
                assert total.owed == sum(row.owed for row in of_currency)
                assert total.fees == sum(row.fees for row in of_currency)
    for order in ORDERS:
        for currency in CURRENCIES:
            wanted = Wanted(currency=currency)
            whole = list(invoices(wanted, order))
            paged: list[OwedProduct] = []
            after: Place | None = None
            while some := list(invoices(wanted, order, after)[:2]):
                paged += some
                value = {"due": some[-1].due_date, "owed": some[-1].owed, "fees": some[-1].fees}[order]
                after = (value, some[-1].product_uuid)
            assert paged == whole


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        (Wanted(), "due"),
        (Wanted(currency="USD"), "owed"),
        (Wanted(currency="USD"), "fees"),
        (Wanted("paid"), "due"),
        (Wanted("written_off"), "due"),
        (Wanted(company_uuid=UUID(int=1)), "due"),
        (Wanted("paid", company_uuid=UUID(int=1)), "due"),
    ],
)
def test_each_list_is_read_in_the_order_of_an_index(database: Database, wanted: Wanted, order: str) -> None:
    with connections[settings.READ_DATABASE].cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
            cursor.execute("SET enable_bitmapscan = off")
    plan = invoices(wanted, order)[:10].explain()
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
    assert "owed_product_" in plan


def test_a_statement_has_each_change_once_and_ends_with_what_is_owed(events: list[DatedEvent]) -> None:
    head = Cut(store.head().position)
    days = [cycle.data.new_date for cycle in store.read_all(types=["SystemCycled"])]
    companies = {row.company_uuid for row in live(OwedProduct)}
    for company in companies:
        whole = list(Statement(company, head, None, None).lines())
        assert [(line.on or date.min, line.position) for line in whole] == sorted(
            (line.on or date.min, line.position) for line in whole
        )
        owed = {
            total.currency: from_minor(total.owed, total.minor_digits) for total in totals(Wanted(company_uuid=company))
        }
        ends = {line.currency: line.balance for line in whole}
        assert {unit: value for unit, value in ends.items() if value} == owed
        for first in days:
            part = Statement(company, head, first, first + timedelta(days=40))
            lines = list(part.lines())
            assert lines == [line for line in whole if line.on and first <= line.on <= first + timedelta(days=40)]
            for number, line in enumerate(lines[:-1]):
                assert list(part.lines((line.on, line.position), limit=2)) == lines[number + 1 : number + 3]
            closing = part.closing
            assert all(
                closing[line.currency] == line.balance for line in {line.currency: line for line in lines}.values()
            )
