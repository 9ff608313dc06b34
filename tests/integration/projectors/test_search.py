"""Names and references are found by the beginnings of their words."""

import re
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.records import Context, NewEvent
from ledger.rules.events import (
    AssetRegistered,
    CompanyRegistered,
    CompanyRenamed,
    DealCompany,
    FundingAccountOpened,
    ProductOriginated,
)
from projectors.queries.search import Hit, find
from projectors.search import words
from tests.support.databases import connected_as
from tests.support.postgres.roles import OWNER

pytestmark = pytest.mark.usefixtures("database")


def append(stream: str, *data: object) -> None:
    store.append([NewEvent(stream, one) for one in data], Context("tester", "a conversation"))


def company(name: str, *names: str) -> UUID:
    uuid = uuid4()
    append(f"company-{uuid}", CompanyRegistered(name), *(CompanyRenamed(other) for other in names))
    return uuid


def product(reference: str) -> UUID:
    uuid, one = uuid4(), uuid4()
    originated = ProductOriginated(
        one,
        None,
        one,
        Decimal("1.00"),
        "USD",
        date(2026, 1, 1),
        Decimal(0),
        "debtor",
        (DealCompany(one, "debtor"),),
        reference,
    )
    append(f"product-{uuid}", originated)
    return uuid


def found(text: str, limit: int = 10) -> list[UUID]:
    catch_up("search")
    return [hit.uuid for hit in find(text, limit=limit)]


@pytest.mark.parametrize("text", ["Alder", "alder stores", "STO", "st ald", "Alder S", "alderst"])
def test_a_company_is_found_by_the_beginnings_of_its_words(text: str) -> None:
    alder = company("Alder Stores")
    company("Birch Mills")
    assert found(text) == [alder]


@pytest.mark.parametrize("text", ["tores", "alder mills", "x", " ", "-"])
def test_what_no_name_begins_with_is_not_found(text: str) -> None:
    company("Alder Stores")
    company("Birch Mills")
    assert found(text) == []


@pytest.mark.parametrize("text", ["cafe", "CAFÉ", "Cafe\u0301"])
def test_case_and_accents_do_not_matter(text: str) -> None:
    cafe = company("Café Central")
    assert found(text) == [cafe]


@pytest.mark.parametrize("text", ["INV-2031/7", "inv-2031", "INV", "2031", "INV-20", "inv 2031"])
def test_an_invoice_is_found_by_its_reference(text: str) -> None:
    invoice = product("INV-2031/7")
    product("B-19")
    assert found(text) == [invoice]


def test_a_company_that_was_renamed_is_found_by_its_new_name_only() -> None:
    renamed = company("Old Name", "New Name")
    assert found("old") == []
    assert found("new") == [renamed]
    append(f"company-{renamed}", CompanyRenamed("Third"))
    assert found("new") == []
    assert found("third") == [renamed]


def test_an_exact_match_comes_first() -> None:
    product("100")
    exact = product("10")
    assert found("10")[0] == exact
    assert len(found("1")) == 2


def test_no_more_is_returned_than_is_asked_for() -> None:
    for number in range(5):
        product(f"INV-{number}")
    assert len(found("INV", limit=3)) == 3


def test_companies_with_several_words_that_begin_so_each_count_once() -> None:
    for number in range(12):
        company(f"A{number}a A{number}b A{number}c")
    assert len(found("a", limit=12)) == 12


def test_characters_with_a_meaning_in_patterns_mean_themselves() -> None:
    company("100% Wool_len")
    assert len(found("100%")) == 1
    assert found("1_0") == []
    assert found("%") == []


def test_an_asset_is_found_too() -> None:
    asset = uuid4()
    append(f"asset-{asset}", AssetRegistered(Decimal("1.00"), "USD", uuid4(), uuid4(), "PO-7"))
    catch_up("search")
    assert [(hit.kind, hit.text) for hit in find("po-7", limit=5)] == [("asset", "PO-7")]
    assert find("po-7", limit=5, kinds=("product",)) == []


def test_an_account_is_found_by_its_label() -> None:
    owner, account = company("Alder Stores"), uuid4()
    append(f"account-{account}", FundingAccountOpened(owner, "Réserve 7"))
    assert found("reserve") == [account]


def test_a_search_reads_the_index_of_beginnings_alone() -> None:
    for number in range(200):
        company(f"Company {number}")
    catch_up("search")
    if connection.vendor == "postgresql":
        with connected_as(OWNER), connection.cursor() as cursor:
            cursor.execute("ANALYZE projectors_searchword")
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")
    for text in ("company 1", "comp", "company 17 x"):
        with CaptureQueriesContext(connection) as asked:
            find(text, limit=10)
        reads = [query["sql"] for query in asked if "projectors_searchword" in query["sql"]]
        assert reads
        for sql in reads:
            assert re.search("search_word_(beginning|key)", plan(sql)), plan(sql)


def plan(sql: str) -> str:
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}".replace("%", "%%"), ())
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def test_a_uuid_may_name_a_company_a_product_and_an_asset_at_once() -> None:
    one = uuid4()
    append(f"company-{one}", CompanyRegistered("Same"))
    append(f"asset-{one}", AssetRegistered(Decimal("1.00"), "USD", uuid4(), uuid4(), "Same"))
    assert sorted(hit.kind for hit in catching_up("same")) == ["asset", "company"]
    append(f"company-{one}", CompanyRenamed("Other"))
    assert [hit.kind for hit in catching_up("same")] == ["asset"]


def catching_up(text: str) -> list[Hit]:
    catch_up("search")
    return find(text, limit=10)


def test_a_name_has_a_bounded_number_of_words() -> None:
    assert len(words(" ".join(f"w{number}" for number in range(60)))) == 13
