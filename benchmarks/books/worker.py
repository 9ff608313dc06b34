"""Asks for each page of Books in one process, through all middleware, and prints what it took as JSON."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any, Final

_ROUNDS: Final = 20


def main() -> None:
    """Measure every page several times, a bare `SELECT 1` in turn with each."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import Permission, User
    from django.test import Client

    from web.server import loading

    settings.ROOT_URLCONF = "benchmarks.books.urls"
    loading.load()
    user, _ = User.objects.get_or_create(username="books-benchmark")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="ledger"))
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    figures = [_measured(client, name, path) for name, path in _pages()]
    user.delete()
    sys.stdout.write(json.dumps(figures) + "\n")


def _measured(client: Any, name: str, path: str) -> dict[str, Any]:
    from django.db import connections

    count = 0

    def counting(execute: Callable[..., Any], statement: str, *rest: Any) -> Any:
        nonlocal count
        count += 1
        return execute(statement, *rest)

    with ExitStack() as stack:
        for connection in connections.all():
            stack.enter_context(connection.execute_wrapper(counting))
        first, _ = _milliseconds(client, path)
    asked = [(_milliseconds(client, "/bare"), _milliseconds(client, path)) for _ in range(_ROUNDS)]
    taken = [whole for _, (whole, _) in asked]
    return {
        "page": name,
        "path": path,
        "first": first,
        "p50": statistics.median(taken),
        "p95": statistics.quantiles(taken, n=20)[-1],
        "processor": statistics.median(own for _, (_, own) in asked),
        "bare": statistics.median(whole for (whole, _), _ in asked),
        "statements": count,
    }


def _milliseconds(client: Any, path: str) -> tuple[float, float]:
    """Return how long an answer takes, and how much of that this process computes: SQLite is part of it."""
    began, computed = time.perf_counter(), time.process_time()
    response = client.get(path, secure=True)
    content = b"".join(response.streaming_content) if response.streaming else response.content
    taken, own = (time.perf_counter() - began) * 1000, (time.process_time() - computed) * 1000
    assert response.status_code in {HTTPStatus.OK, HTTPStatus.FOUND}, (path, response.status_code, content[:2000])
    return taken, own


def _pages() -> list[tuple[str, str]]:
    """Return each page by name, of the product with the most late fees among the newest ten thousand fees."""
    from collections import Counter

    from eventstore import store
    from ledger.as_of import last_cycled

    head = store.head().position
    newest = store.read_all(types=["LateFeeIncurred"], backwards=True, limit=10_000)
    product = Counter(event.uuid for event in newest).most_common(1)[0][0]
    history = list(store.read_stream(f"product-{product}"))
    terms = history[0].data
    fee = next(event for event in history if event.type == "LateFeeIncurred")
    cycled = last_cycled(head)
    assert cycled is not None
    today, past = cycled.data.new_date, fee.data.business_date
    company, asset = terms.obligor_company_uuid, terms.asset_uuid
    return [
        ("Today", "/books/"),
        ("Today, a date", f"/books/?as_of={past}"),
        ("Today, a date as known then", f"/books/?as_of={past}&known=then"),
        ("search, a reference", f"/books/find?q={terms.reference[:-1]}"),
        ("search, a beginning", f"/books/find?q={terms.reference[:3]}"),
        ("invoices", "/books/invoices"),
        ("invoices, overdue", "/books/invoices?overdue=yes"),
        ("an invoice", f"/books/invoices/{product}"),
        ("an invoice, a date", f"/books/invoices/{product}?as_of={past}"),
        ("customers", "/books/customers"),
        ("customers, a date", f"/books/customers?as_of={past}"),
        ("a customer", f"/books/customers/{company}"),
        ("a customer, whole statement", f"/books/customers/{company}?from={past.year}-01-01"),
        ("balance of a company", f"/books/balances/company/{company}"),
        ("balance of an asset", f"/books/balances/asset/{asset}"),
        ("aging", "/books/aging"),
        ("aging, a date", f"/books/aging?as_of={past}"),
        ("trial balance", "/books/trial-balance"),
        ("trial balance, a date", f"/books/trial-balance?as_of={past}"),
        ("trial balance, a date as known then", f"/books/trial-balance?as_of={past}&known=then"),
        ("a line of the trial balance", f"/books/trial-balance/fees_receivable/{terms.currency}?as_of={today}"),
        ("journal", "/books/journal"),
        ("journal, an account and a date", f"/books/journal?account=fees_receivable&from={past}&to={past}"),
        ("journal, a party", f"/books/journal?party={product}"),
        ("log", "/books/log"),
        ("log, a type", "/books/log?type=PaymentApplied"),
        ("log, two filters", "/books/log?type=PaymentApplied&actor=late_fees"),
        ("log, nothing found", "/books/log?type=DealDeleted"),
        ("an event", f"/books/log/{fee.position}"),
        ("a cycle with all its fees", f"/books/log/{fee.causation}"),
        ("a stream", f"/books/streams/product-{product}"),
        ("why", f"/books/why?product={product}&date={past}"),
        ("sample", f"/books/sample?kind=products&seed=benchmark&n=25&as_of={head}"),
        ("consumers", "/books/consumers"),
        ("a consumer", "/books/consumers/late_fees"),
        ("what can be recorded", "/books/do"),
        ("a form, things found by name", f"/books/do/apply-payment?product_uuid-find={terms.reference[:3]}"),
        ("a form, what can be reversed", f"/books/do/reverse-late-fee?product_uuid={product}"),
    ]


if __name__ == "__main__":
    main()
