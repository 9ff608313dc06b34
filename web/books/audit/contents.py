"""What is in a ZIP of evidence: of a product, of a customer, and of a period."""

import heapq
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import date, timedelta
from itertools import chain, islice
from typing import Any, Final
from uuid import UUID

from eventstore import store
from eventstore.json_values import to_json
from eventstore.records import RecordedEvent
from ledger import as_of
from ledger.rules.facts import stream_id
from projectors.explain.answers.data import answer
from projectors.explain.answers.subject import Explanation, Subject, explain
from projectors.explain.answers.text import title_of
from projectors.explain.figures import Cut
from projectors.explain.journal import Choice, JournalRow, journal_rows
from projectors.explain.moment import Moment
from projectors.explain.product import TERMS, ProductExplanation
from projectors.explain.reports import accounts_between
from projectors.queries.products import originated_products_of
from web.api.log import as_json
from web.books.audit.documents import Table, explanation_page, lasting, page_file, style_files
from web.books.audit.zip_stream import File
from web.books.csv_export import explained_cells, explained_header, lines
from web.books.sums import JOURNAL_HEADER, journal_cells

MOST_PAGES: Final = 100
"""How many invoices of a customer have a page of their own."""
_README: Final = """{what}
{moment}

What is here
  *.html         pages, to be read in a browser without a server
  *.csv          the rows, with a heading; a text that looks like a formula has an apostrophe before it
  *.json         explanations, as the API answers them
  events.jsonl   the events of the log, one JSON object a line, as the API answers them
  manifest.json  each file with its bytes and its SHA-256

Check the files with: sha256sum --check SHA256SUMS
The same address gives the same bytes again: {address}
"""


def readme(what: str, moment: str, address: str) -> File:
    """Return the file that says what the others are."""
    return "README.txt", [_README.format(what=what, moment=moment, address=address)]


def of_product(explained: ProductExplanation, at: Moment) -> Iterator[File]:
    """Yield the files of a product: its page, its rows, its journal lines, and the events that they come from."""
    kept = lasting(explained)
    yield explanation_page("invoice.html", kept, at)
    yield "explanation.json", [f"{json.dumps(to_json(answer(kept, at)), indent=2, ensure_ascii=False)}\n"]
    header = explained_header(explained.parts, explained.equation.name)
    yield "rows.csv", lines(header, explained_cells(explained.rows, explained.equation.unit, 2))
    yield "journal.csv", _journal(journal_rows(Choice(party_uuid=explained.product_uuid), at.cut))
    yield "events.jsonl", _json_lines(_events_behind(explained, at.cut.position))
    yield from style_files()


def _events_behind(explained: ProductExplanation, position: int) -> Iterator[RecordedEvent]:
    """Yield the events of a product, its asset and its deal, and those that caused its events, in order."""
    asset = explained.state.asset_uuid
    streams = [explained.stream_id, explained.deal_stream, *([] if asset is None else [stream_id("asset", asset)])]
    causes = sorted({row.cause for row in explained.rows if row.cause is not None})
    caused_by = (event for event in map(store.read_event, causes) if event is not None)
    reads = [store.read_stream(stream, up_to=position) for stream in streams]
    last = 0
    for event in heapq.merge(*reads, caused_by, key=lambda each: each.position):
        if event.position > last:
            yield event
        last = event.position


def of_customer(company: Explanation, at: Moment) -> Iterator[File]:
    """Yield the files of a customer: its page, a row and the journal lines of each invoice, and all their events."""
    uuid, position = company.uuid, at.cut.position
    yield _customer_page(company, at)
    yield explanation_page("balance.html", lasting(company), at)
    yield "invoices.csv", lines(_INVOICE_HEADER, _invoices(uuid, at.cut))
    for product_uuid in islice(originated_products_of(uuid, position), MOST_PAGES):
        explained = explain(Subject("product", product_uuid), at.cut)
        if explained is not None:
            yield explanation_page(f"invoices/{product_uuid}.html", lasting(explained), at)
    of_products = (journal_rows(Choice(party_uuid=each), at.cut) for each in originated_products_of(uuid, position))
    yield "journal.csv", _journal(row for rows in of_products for row in rows)
    streams = (stream_id("product", each) for each in originated_products_of(uuid, position))
    yield "events.jsonl", _json_lines(_events_of([company.stream_id], streams, position))
    yield from style_files()


_INVOICE_HEADER: Final = (
    "reference",
    "product_uuid",
    "due_date",
    "status",
    "currency",
    *(name.replace(" ", "_") for name, _ in TERMS),
    "owed",
)


def _customer_page(company: Explanation, at: Moment) -> File:
    found = list(islice(_invoices(company.uuid, at.cut), MOST_PAGES + 1))
    rows = [(reference, due, status, unit, f"{owed:,f}") for reference, _, due, status, unit, *_, owed in found]
    heading = ("Invoice", "Due", "Status", "Currency", "Owed")
    tables = [Table("Invoices", heading, rows[:MOST_PAGES], frozenset({4}))]
    notes = [f"The first {MOST_PAGES} invoices; invoices.csv has all."] if len(rows) > MOST_PAGES else []
    return page_file("customer.html", title_of(company), at, tables=tables, notes=notes)


def _invoices(company_uuid: UUID, cut: Cut) -> Iterator[tuple[Any, ...]]:
    for product_uuid in originated_products_of(company_uuid, cut.position):
        explained = explain(Subject("product", product_uuid), cut)
        if explained is not None:
            state, amounts = explained.state, {term.name: term.amount for term in explained.equation.terms}
            facts = (state.reference, product_uuid, state.due_date, state.status, explained.equation.unit)
            yield (*facts, *(amounts.get(name) for name, _ in TERMS), explained.equation.total)


def _events_of(first: Sequence[str], others: Iterable[str], position: int) -> Iterator[RecordedEvent]:
    for stream in chain(first, others):
        yield from store.read_stream(stream, up_to=position)


@dataclass(frozen=True, slots=True)
class Period:
    """Booking dates, which include both ends, and the positions that they stand for."""

    first: date
    last: date
    low: int
    high: int


def period(first: date, last: date, position: int) -> Period:
    """Return a period up to a position; raises DateNotCycled if its last date has not begun."""
    as_of.began(last)
    low, high = as_of.booked_to(first - timedelta(days=1)), as_of.booked_to(last)
    low = position if low is None else min(low, position)
    return Period(first, last, low, position if high is None else min(high, position))


def of_period(of: Period, at: Moment) -> Iterator[File]:
    """Yield the files of a period: its trial balance, and the journal lines and events that were booked in it."""
    heading = ("Account", "Currency", "Opening", "Debits", "Credits", "Closing")
    sums = [astuple(account) for account in accounts_between(of.low, of.high)]
    shown = [(*row[:2], *(f"{amount:,f}" for amount in row[2:])) for row in sums]
    title = f"Period from {of.first} to {of.last}"
    table = Table("Trial balance: debits less credits", heading, shown, frozenset(range(2, 6)))
    notes = [f"What was booked from {of.first} to {of.last}: positions {of.low + 1} to {of.high}."]
    yield page_file("period.html", title, at, tables=[table], notes=notes)
    yield "trial-balance.csv", lines([name.lower() for name in heading], sums)
    booked = Choice(first=of.first, last=of.last)
    yield "journal.csv", _journal(journal_rows(booked, Cut(of.high)))
    yield "events.jsonl", _json_lines(store.read_all(after=of.low, up_to=of.high))
    yield from style_files()


def _journal(rows: Iterable[JournalRow]) -> Iterator[str]:
    return lines(JOURNAL_HEADER, map(journal_cells, rows))


def _json_lines(events: Iterable[RecordedEvent]) -> Iterator[str]:
    for event in events:
        yield f"{as_json(event)}\n"
