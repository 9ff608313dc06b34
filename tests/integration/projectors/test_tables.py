"""A batch's rows are looked up and written by their keys, however many other rows the table has."""

import re
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from projectors.customers.projector import _PRODUCTS as PRODUCTS
from projectors.models import Balance, OwedProduct
from projectors.tables.draft import Draft
from projectors.tables.layout import Key
from projectors.tables.table import Table
from tests.support.databases import Database

ROWS, BATCH = 3000, 300
TABLE = Table(Balance, key=("entity", "uuid"), changing=("balance", "position"))


def fill(generation: int) -> list[Key]:
    """Write rows of a generation; return the keys of some of them."""
    rows = [Balance(generation=generation, position=1, entity="company", uuid=uuid4()) for _ in range(ROWS)]
    Balance.objects.bulk_create(rows, batch_size=500)
    return [("company", str(row.uuid)) for row in rows[:BATCH]]


def execute(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return "\n".join(str(row[-1]) for row in cursor.fetchall()) if cursor.description else ""


@pytest.mark.usefixtures("as_owner")
@pytest.mark.parametrize("analyzed", [True, False], ids=["statistics", "no statistics"])
def test_a_generation_younger_than_the_statistics_is_looked_up_by_its_key(database: Database, analyzed: bool) -> None:
    if database.vendor == "postgresql":
        execute("ALTER TABLE projectors_balance SET (autovacuum_enabled = false)")
    fill(1)
    if analyzed:
        execute("ANALYZE")
    keys = fill(2)
    with transaction.atomic():
        with CaptureQueriesContext(connection) as queries:
            draft = Draft(TABLE, keys, 2, "default")
            for key in keys:
                draft.change(key, 7)["balance"] = 12
            draft.save()
        for query in queries.captured_queries:
            read = rows_read(query["sql"], database.vendor)
            assert read <= BATCH, (read, query["sql"][:200])
    assert Balance.objects.filter(generation=2, balance=12, position=7).count() == BATCH
    assert not Balance.objects.filter(generation=1, balance=12).exists()


@pytest.mark.usefixtures("as_owner")
@pytest.mark.parametrize("analyzed", [True, False], ids=["statistics", "no statistics"])
def test_a_young_generation_is_looked_up_by_no_other_index_than_that_of_its_key(
    database: Database, analyzed: bool
) -> None:
    if database.vendor == "postgresql":
        execute("ALTER TABLE projectors_owedproduct SET (autovacuum_enabled = false)")
    OwedProduct.objects.bulk_create(products_of(1), batch_size=500)
    if analyzed:
        execute("ANALYZE")
    young = products_of(2)
    OwedProduct.objects.bulk_create(young, batch_size=500)
    keys = [(str(row.product_uuid),) for row in young[:BATCH]]
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        assert PRODUCTS.load(keys, 2, "default").keys() == set(keys)
    for query in queries.captured_queries:
        assert rows_read(query["sql"], database.vendor) <= BATCH, query["sql"][:200]
    if database.vendor == "postgresql":
        # Another index that begins with the generation finds the same rows, and reads all of its entries for each.
        plan = execute(f"EXPLAIN {queries.captured_queries[-1]['sql']}")
        assert set(re.findall(r"using (\w+)", plan)) == {"owed_product_key"}, plan


def products_of(generation: int) -> list[OwedProduct]:
    """Return rows that differ in their company and due date, the columns of the other indexes."""
    companies = [uuid4() for _ in range(100)]
    terms = {"currency": "USD", "minor_digits": 2, "principal": 0, "fees": 0, "owes": False, "status": "paid"}
    return [
        OwedProduct(
            generation=generation,
            position=1,
            product_uuid=uuid4(),
            company_uuid=companies[number % 100],
            due_date=date(2026, 1, 1) + timedelta(days=number % 300),
            **terms,
        )
        for number in range(ROWS)
    ]


def rows_read(statement: str, vendor: str) -> int:
    """Return the most rows that a part of the statement's plan reads, over all of its loops."""
    if vendor == "sqlite":
        _, many, one = statement.rpartition(" times: ")
        plan = execute(f"EXPLAIN QUERY PLAN {one.replace('%s', '1') if many else statement}")
        return ROWS if re.search(r"SCAN (t|projectors_balance|projectors_owedproduct)\b", plan) else BATCH
    if "set_config" in statement:
        return 0
    plan = execute(f"EXPLAIN (ANALYZE) {statement}")
    read = [float(rows) * int(loops) for rows, loops in re.findall(r"rows=(\d+(?:\.\d+)?) loops=(\d+)", plan)]
    removed = [float(rows) for rows in re.findall(r"Rows Removed by .*: (\d+)", plan)]
    return int(max(read + removed))
