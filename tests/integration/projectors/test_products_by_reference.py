"""Products are found by their whole reference, as identity compares texts, by an index."""

from importlib import import_module
from uuid import UUID

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from eventstore.consumers.loop import catch_up
from projectors.models import FinancialProduct
from projectors.queries.products import products
from tests.integration.projectors.test_search import plan, product

pytestmark = pytest.mark.usefixtures("database")


def found(reference: str) -> set[UUID]:
    catch_up("financial_products")
    return set(products(reference=reference).values_list("product_uuid", flat=True))


def test_a_product_is_found_by_its_whole_reference_as_identity_compares_texts() -> None:
    plain, joined, spaced = product("INV 7"), product("ab\u200dc"), product("INV  7")
    assert found("INV 7") == found(" INV   7 ") == {plain, spaced}
    assert found("abc") == found("ab\u200cc") == {joined}
    for other in ("INV", "inv 7", "INV7", " ", "7"):
        assert found(other) == set()


def test_the_products_of_a_reference_are_read_in_the_order_of_an_index() -> None:
    for number in range(300):
        product(f"INV {number % 3}")
    catch_up("financial_products")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE projectors_financialproduct" if connection.vendor == "postgresql" else "SELECT 1")
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
    with CaptureQueriesContext(connection) as asked:
        assert len(products(reference="INV 1").order_by("product_uuid")[:10]) == 10
    shown = plan(asked[0]["sql"])
    assert "financial_product_reference" in shown
    assert "Sort" not in shown
    assert "TEMP B-TREE" not in shown


def test_the_migration_gives_products_of_an_earlier_release_their_identity() -> None:
    odd = product("INV  7")
    found("")
    FinancialProduct.objects.update(reference_identity="")
    with connection.schema_editor() as editor:
        import_module("projectors.migrations.0008_products_by_reference").fill(apps, editor)
    assert found("INV 7") == {odd}
