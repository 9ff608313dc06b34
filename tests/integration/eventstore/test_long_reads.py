"""Pages of the log on PostgreSQL: rows are loaded as they come, and a page reads no more than its events."""

from itertools import islice
from typing import NoReturn

import pytest
from django.db import DataError, connection, transaction
from psycopg import pq

from eventstore import store
from eventstore.libpq import arrays, pages
from eventstore.libpq.pages import fetch_page
from eventstore.libpq.pipeline import fetch_all
from eventstore.libpq.prepared import Prepared
from eventstore.log.narrow_reads import NewestFields
from eventstore.log.reads import latest
from tests.contracts.events import append, parcel, positions, registered

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite hands over one row after the other"),
    pytest.mark.usefixtures("database"),
]

FAULTS: dict[str, tuple[str, list[str | int | None]]] = {
    "no rows": ("SELECT 1 / %s", [0]),
    "an error after hundreds of rows": ("SELECT 1 / (%s - n) FROM generate_series(1, 300) AS n", [290]),
    "a row that cannot be loaded": (
        "SELECT CASE n WHEN %s THEN 'infinity' ELSE now() END FROM generate_series(1, 300) AS n",
        [70],
    ),
    "a null byte": ("SELECT %s", ["\0"]),
}


def rows_read() -> int:
    """Return how many rows of the log were read since the server began to count."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables"
            " WHERE relname = 'eventstore_event'"
        )
        [[found]] = cursor.fetchall()
    return int(found)


@pytest.mark.usefixtures("as_owner")
def test_a_page_reads_only_its_events_when_there_are_no_statistics() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE eventstore_event SET (autovacuum_enabled = false)")
    # Of few pages, PostgreSQL expects so few rows that it reads them in order.
    append(*(registered(parcel(), "n" * 1700) for _ in range(600)))
    before = rows_read()
    found = list(islice(store.read_all(after=100, batch_size=100), 100))
    found += store.read_batch(from_position=201, limit=100)
    assert positions(found) == list(range(101, 301))
    assert rows_read() - before == 200


@pytest.mark.usefixtures("as_owner")
def test_the_newest_events_of_streams_are_found_without_the_index_of_types_when_there_are_no_statistics() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE eventstore_event SET (autovacuum_enabled = false)")
    parcels = [parcel() for _ in range(3000)]
    for first in range(0, 3000, 1000):
        append(*map(registered, parcels[first : first + 1000]))
    streams, types = parcels[:20], ["ParcelRegistered"]
    found = latest(streams, types, 3000)
    fields = NewestFields("test", ("name",)).of_streams(streams, types, 3000)
    assert fields is not None
    assert list(found) == list(fields) == streams
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'event_type_position'")
        assert cursor.fetchall() == [(0,)]


def test_rows_come_in_order_however_many_there_are() -> None:
    rows = fetch_page(connection, "SELECT n, %s FROM generate_series(1, 1234) AS n", ["x"])
    assert rows == [(number, "x") for number in range(1, 1235)]
    assert fetch_page(connection, "SELECT n FROM generate_series(1, 3) AS n WHERE n > %s", [10**24]) == []


def test_the_statements_after_a_page_get_whole_results() -> None:
    numbers = Prepared(b"test_numbers", "SELECT n FROM generate_series(1, %s) AS n", (arrays.BIGINT,))
    for _ in range(2):
        fetch_page(connection, "SELECT n FROM generate_series(1, %s) AS n", [100])
        assert [len(rows) for rows in fetch_all(connection, [(numbers, [200]), (numbers, [300])])] == [200, 300]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_read_that_fails_leaves_its_connection_usable(fault: str) -> None:
    sql, values = FAULTS[fault]
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid
    with pytest.raises(DataError):
        fetch_page(connection, sql, values)
    with pytest.raises(DataError), transaction.atomic():
        fetch_page(connection, sql, values)
    assert fetch_page(connection, "SELECT pg_backend_pid() + %s", [0]) == [(backend,)]


def test_an_interrupted_read_leaves_no_rows_to_the_next_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(pages, "load", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch_page(connection, "SELECT n FROM generate_series(1, %s) AS n", [300_000])
    assert connection.connection.pgconn.status == pq.ConnStatus.BAD
    monkeypatch.undo()
    connection.close()
    assert fetch_page(connection, "SELECT %s + 1", [1]) == [(2,)]
