"""How large a ledger is: bytes for each event, the size of each index, and what vacuum and freezing have to do."""

import time
from typing import Final, NamedTuple

import psycopg

_LOG: Final = "eventstore_event"
_TABLES: Final = """
SELECT c.relname, pg_table_size(c.oid), pg_indexes_size(c.oid), c.relpages, c.relallvisible, age(c.relfrozenxid)
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    AND (c.relname = 'eventstore_event' OR c.relname LIKE 'projectors%')
"""
_INDEXES: Final = """
SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index
WHERE indrelid = 'eventstore_event'::regclass ORDER BY 2 DESC
"""


class Sizes(NamedTuple):
    """The sizes of a ledger in bytes, and how long a vacuum of its log takes in seconds."""

    events: int
    log: int
    indexes: dict[str, int]
    read_models: int
    visible: float
    age: int
    vacuum_s: float


def sizes_of(url: str) -> Sizes:
    """Return the sizes of a ledger; the URL is that of the owner."""
    with psycopg.connect(url, autocommit=True) as server:
        [(events,)] = server.execute("SELECT max(position) FROM eventstore_event").fetchall()
        began = time.perf_counter()
        server.execute("VACUUM eventstore_event")
        vacuum_s = time.perf_counter() - began
        indexes = {str(name): int(size) for name, size in server.execute(_INDEXES).fetchall()}
        tables = {row[0]: row[1:] for row in server.execute(_TABLES).fetchall()}
    log, _, pages, visible, age = tables.pop(_LOG)
    read_models = sum(int(heap) + int(of_indexes) for heap, of_indexes, *_ in tables.values())
    return Sizes(int(events), int(log), indexes, read_models, visible / max(pages, 1), age, vacuum_s)
