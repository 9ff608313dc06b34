"""The rows of docs/performance.md: the title of each figure, and its goals.

A benchmark adds a row by one line here and one call of `figures.record`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

RAW: Final = "raw"
"""The peer that is the database or the framework alone, without an event store."""
PYEVENTSOURCING: Final = "pyeventsourcing"
MESSAGE_DB: Final = "message-db"
EMMETT: Final = "Emmett"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure on the page."""

    name: str
    title: str
    goal: float | None = None
    """At least so many, if it is a rate; at most so much, if it is a time or a size."""
    as_fast: Mapping[str, float] = field(default_factory=dict)
    """How many times as fast as a peer it has to be."""
    is_first: bool = False
    """Whether the table and the chart at the top of the page show it."""


ROWS: Final = (
    Row("append-1", "events appended, 1 client", as_fast={RAW: 0.8, PYEVENTSOURCING: 2.5, EMMETT: 2}, is_first=True),
    Row(
        "append-8",
        "events appended, 8 clients",
        as_fast={RAW: 0.5, PYEVENTSOURCING: 3, EMMETT: 1.5, MESSAGE_DB: 2},
        is_first=True,
    ),
    Row("append-16", "events appended, 16 clients", as_fast={RAW: 0.45}),
    Row("append-100-events", "events appended, 100 in one append"),
    Row(
        "append-8-slow-disk",
        "events appended, 8 clients, a disk that takes 1 ms longer",
        as_fast={RAW: 0.85},
        is_first=True,
    ),
    Row("append-1-slow-disk", "events appended, 1 client, a disk that takes 1 ms longer"),
    Row("append-16-slow-disk", "events appended, 16 clients, a disk that takes 1 ms longer", as_fast={RAW: 0.8}),
    Row("typed-events", "events read from the log, typed", as_fast={PYEVENTSOURCING: 1.5}, is_first=True),
    Row("aggregate-50", "an aggregate of 50 events loaded", as_fast={PYEVENTSOURCING: 3}, is_first=True),
    Row("aggregate-10000", "an aggregate of 10,000 events loaded, from its snapshot", 2),
    Row("aggregate-cached", "the same from the cache, one indexed look"),
    Row("catch-up-balances", "balances catch up with the log", 60_000, {PYEVENTSOURCING: 15}, is_first=True),
    Row("catch-up-journal", "the journal catches up with the log", 40_000),
    Row("catch-up-all", "all projectors in one process catch up with a log of grants and payments", 15_000),
    Row("handled-idle-p50", "from append to projected, nothing else happens, median", 3, is_first=True),
    Row("handled-idle-p99", "the same, 99 of 100", 15),
    Row("handled-busy-p50", "from append to projected, 1,000 appends a second, median", 3),
    Row("handled-busy-p99", "the same, 99 of 100", 15),
    Row("late-fees", "late fees of one cycle (raw: COPY of the same rows)", 20_000, is_first=True),
    Row("late-fees-appends-p99", "appends of others meanwhile, 99 of 100", 50),
    Row("import-receivables", "import of 100,000 receivables", 300),
    Row("membership-lookup", "a membership looked up (raw: the query alone)", as_fast={RAW: 1 / 1.1}),
    Row("membership-hydrating", "a membership looked up while they hydrate, by the index"),
    Row("membership-hydration", "deal events hydrated", 100_000),
    Row("http-get-processor", "GET of a company, processor time", 0.8),
    Row("http-grant-processor", "a grant over HTTP, processor time", 1.9),
    Row(
        "http-grants",
        "grants over HTTP, 8 clients (raw: rows of Django's ORM, without events)",
        as_fast={RAW: 1},
        is_first=True,
    ),
    Row("batch-10000-invoices", "10,000 invoices in batches over HTTP", 10),
    Row("seal", "events sealed beside a writer", 1_000_000 / 60),
)
