"""Batches that are sent twice at the same time."""

from collections.abc import Callable
from decimal import Decimal
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections

from eventstore import store
from eventstore.records import Appended, Context, IdempotencyKey
from ledger import batches
from ledger.batches import Item, Result
from ledger.rules.commands import FundCompany, RegisterCompany
from tests.support.databases import Database

COMPANY = UUID(int=7)
CONTEXT = Context("tester", "a batch")


def items() -> list[Item]:
    """Return a batch whose first command is refused once it is recorded."""
    register, fund = RegisterCompany(COMPANY, "Alder"), FundCompany(COMPANY, Decimal("5.00"), "a receipt", "USD")
    return [Item((register,), IdempotencyKey("t", "1", "1")), Item((fund,), IdempotencyKey("t", "2", "2"))]


class Twin:
    """Sends the same batch from another thread, once, as soon as this thread has looked its keys up."""

    def __init__(self, send: Callable[[], list[Result]]) -> None:
        self._send, self.results = send, list[Result]()

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Execute a query; Django's execute_wrapper calls this."""
        result = execute(sql, params, many, context)
        if "recordedkey" in sql and not self.results:
            thread = Thread(target=self._run)
            thread.start()
            thread.join()
        return result

    def _run(self) -> None:
        self.results = self._send()
        connections.close_all()


@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("number", [1, 2])
def test_a_batch_never_hears_a_refusal_that_its_twin_caused(database: Database, atomic: bool, number: int) -> None:
    assert database.vendor
    twin = Twin(lambda: batches.execute(items(), CONTEXT, atomic=atomic))
    with connection.execute_wrapper(twin):
        results = batches.execute(items()[:number], CONTEXT, atomic=atomic)
    assert store.head().position == 2
    for mine, first in zip(results, twin.results, strict=False):
        assert isinstance(mine, Appended)
        assert isinstance(first, Appended)
        assert (mine.repeated, mine.position) == (True, first.position)
