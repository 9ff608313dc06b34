"""Every page has its rows as CSV, whose name says what they are, as of when, and how that was known."""

import csv
import io
import re
import tracemalloc
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.urls import reverse

from eventstore import store
from eventstore.consumers.loop import catch_up
from ledger.rules.commands import RegisterCompany
from projectors.models import JournalLine
from tests.integration.books.conftest import Reader
from tests.support.ledger.book import DEBTOR, Product
from tests.support.ledger.paid_late import DUE
from tests.support.ledger.portfolio import do
from web.books.urls import urlpatterns
from web.slots import SlotKind, slots

HOOKS = {"webhooks", "webhook", "webhook-register", "webhook-act"}
WITHOUT_ROWS = {"seal-proof", "login", "logout", "evidence", "do", "command", "recorded", "consumer-act", *HOOKS}
"""Pages that show no rows of the ledger, or whose rows are a file of another kind."""
ONLY_NOW = {"invoices", "find", "consumers", "consumer"}
"""Pages that show the present, whatever their moment."""
ON = DUE + timedelta(days=2)


def paths(invoice: Product) -> dict[str, tuple[list[Any], dict[str, str]]]:
    """Return what each page is asked for, by the name of its address."""
    fee = next(iter(store.read_all(types=["LateFeeIncurred"])))
    return {
        "today": ([], {}),
        "find": ([], {"q": "a"}),
        "invoices": ([], {}),
        "invoice": ([invoice.uuid], {}),
        "customers": ([], {}),
        "customer": ([DEBTOR], {}),
        "balance": (["company", DEBTOR], {}),
        "aging": ([], {}),
        "trial-balance": ([], {}),
        "account-line": (["principal_receivable", "USD"], {}),
        "journal": ([], {}),
        "log": ([], {}),
        "event": ([fee.position], {}),
        "stream": ([fee.stream_id], {}),
        "why": ([], {"product": str(invoice.uuid), "date": str(DUE)}),
        "sample": ([], {"seed": "audit"}),
        "consumers": ([], {}),
        "consumer": (["journal"], {}),
    }


@pytest.fixture
def asked(invoice: Product) -> dict[str, tuple[list[Any], dict[str, str]]]:
    do(RegisterCompany(DEBTOR, "Alder Stores"))
    catch_up()
    return paths(invoice)


def names() -> set[str]:
    """Return the names of all addresses of Books."""
    return {str(pattern.name) for pattern in urlpatterns}


def test_every_page_has_its_rows_as_csv_and_a_link_to_them(
    reader: Reader, asked: dict[str, tuple[list[Any], dict[str, str]]]
) -> None:
    assert names() == WITHOUT_ROWS | set(asked)
    head = store.head().position
    for name, (args, parameters) in asked.items():
        address = reverse(f"books:{name}", args=args)
        at = {"as_of": str(head)} if name == "sample" else {}
        response = reader.get(address, **parameters, **at, format="csv")
        assert (response.status_code, response["Content-Type"]) == (200, "text/csv; charset=utf-8"), name
        rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))
        assert len({len(row) for row in rows}) == 1, name
        assert response["Content-Disposition"].endswith(f'-as-of-{head}.csv"'), name
        if name != "find":
            assert "format=csv" in reader.text(address, **parameters, **at), name


@pytest.mark.one_database
@pytest.mark.parametrize("known", ["now", "then"])
def test_the_name_of_a_file_says_how_a_date_was_known(
    reader: Reader, asked: dict[str, tuple[list[Any], dict[str, str]]], known: str
) -> None:
    head = store.head().position
    wanted = f"-as-of-{ON}-known-then.csv" if known == "then" else f"-as-of-{ON}-known-at-{head}.csv"
    for name in set(asked) - ONLY_NOW - {"customer", "balance", "event", "sample"}:
        args, parameters = asked[name]
        response = reader.get(
            reverse(f"books:{name}", args=args), **parameters, as_of=str(ON), known=known, format="csv"
        )
        assert response.status_code == 200, (name, response.content)
        assert response["Content-Disposition"].endswith(f'{wanted}"'), name
        response.close()


def test_the_csv_of_the_log_has_all_events_that_match(reader: Reader, invoice: Product) -> None:
    rows: list[dict[str, str]] = []
    for filters in ({}, {"type": "LateFeeIncurred"}, {"actor": "tester", "category": "system"}):
        response = reader.get("/books/log", **filters, format="csv")
        rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
        wanted = [
            event.position
            for event in store.read_all(backwards=True)
            if all(getattr(event, name) == value for name, value in filters.items())
        ]
        assert [int(row["position"]) for row in rows] == wanted
    assert rows[0]["what"] == "Business date 2012-03-16 began"


@pytest.mark.one_database
def test_a_name_of_a_file_has_no_character_that_a_header_cannot_have(reader: Reader, invoice: Product) -> None:
    do(RegisterCompany(UUID(int=77), 'A "quoted" Ü; name'))
    response = reader.get(f"/books/customers/{UUID(int=77)}", format="csv")
    assert re.fullmatch(r'attachment; filename="[A-Za-z0-9._-]+"', response["Content-Disposition"])


@pytest.mark.one_database
def test_a_file_holds_a_slot_from_its_first_byte_to_its_last_or_until_its_reader_leaves(
    reader: Reader, invoice: Product
) -> None:
    share, kind, client = slots.share(SlotKind.FOLDING), SlotKind.FOLDING, reader.user_id or 0
    files = ("/books/log", f"/books/customers/{DEBTOR}")
    do(RegisterCompany(DEBTOR, "Alder Stores"))
    catch_up()
    for path in files:
        left, ended = (reader.get(path, format="csv") for _ in range(2))
        assert slots.left(client, kind) == share - 2
        assert reader.get(path, format="csv").status_code == 429
        assert reader.get("/books/log").status_code == 200
        next(left.streaming_content)
        left.close()
        assert slots.left(client, kind) == share - 1
        assert b"".join(ended.streaming_content)
        assert slots.left(client, kind) == share
    for path, wrong in (
        ("/books/log", "xml"),
        ("/books/streams/no", "csv"),
        (f"/books/customers/{UUID(int=1)}", "csv"),
    ):
        assert reader.get(path, format=wrong).status_code in {400, 404}
        assert slots.left(client, kind) == share


def test_a_file_is_sent_in_flat_memory(reader: Reader, invoice: Product) -> None:
    JournalLine.objects.bulk_create(map(_line, range(100, 12_100)), batch_size=500)
    reader.text("/books/journal")  # what is loaded once
    file = reader.get("/books/journal", format="csv").streaming_content
    tracemalloc.start()
    sent = sum(map(len, file))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sent > 3_000_000
    assert most < 2 * sent  # all rows at once take five times as much


def _line(number: int) -> JournalLine:
    return JournalLine(
        generation=1,
        position=3,
        line=number,
        event_type="CompanyFunded",
        account="cash",
        party_type="company",
        party_uuid=DEBTOR,
        currency="USD",
        minor_digits=2,
        debit=1,
        credit=0,
        reference="r" * 200,
    )


def test_nothing_is_not_a_file(reader: Reader, asked: dict[str, tuple[list[Any], dict[str, str]]]) -> None:
    nothing: dict[str, list[Any]] = {
        "invoice": [UUID(int=7)],
        "customer": [UUID(int=7)],
        "balance": ["company", UUID(int=7)],
        "event": [10**6],
        "stream": ["company-00000000-0000-0000-0000-000000000007"],
        "consumer": ["no-such-consumer"],
        "account-line": ["no-such-account", "USD"],
    }
    for name, wrong in nothing.items():
        page, file = (reader.get(reverse(f"books:{name}", args=wrong), format=given) for given in ("", "csv"))
        assert page.status_code == file.status_code, name
        assert page.status_code in {400, 404}, name
