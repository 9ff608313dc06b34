"""What bounds an append, and which settings of a database do not matter."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from eventstore import store
from eventstore.errors import InvalidPayload
from tests.contracts.events import append, parcel, registered
from tests.support.databases import Database

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("letter", ["a", "é"])
def test_a_payload_beyond_its_limit_is_refused_by_name(settings: Settings, letter: str) -> None:
    settings.PAYLOAD_MAX_BYTES = 1024
    with pytest.raises(InvalidPayload, match="PAYLOAD_MAX_BYTES allows 1024"):
        append(registered(parcel()), registered(parcel(), letter * (1025 // len(letter.encode()))))
    assert store.head().position == 0
    append(registered(parcel(), letter * 400))


def test_an_append_beyond_its_limit_is_refused_by_name(settings: Settings) -> None:
    settings.APPEND_MAX_BYTES = 4096
    with pytest.raises(InvalidPayload, match="APPEND_MAX_BYTES allows 4096"):
        append(*(registered(parcel(), "a" * 1000) for _ in range(5)))
    assert store.head().position == 0
    append(*(registered(parcel(), "a" * 1000) for _ in range(4)))


@pytest.mark.usefixtures("as_owner")
def test_another_date_style_of_the_database_does_not_matter(database: Database) -> None:
    if database.vendor != "postgresql":
        pytest.skip("SQLite has no DateStyle")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        cursor.execute(f"ALTER DATABASE {connection.ops.quote_name(cursor.fetchone()[0])} SET datestyle = 'German'")
    connection.close()
    (event,) = append(registered(parcel())).events
    assert store.read_event(1) == event


def test_the_write_ahead_log_of_sqlite_grows_beside_a_reader_and_is_cut_once_it_has_ended(database: Database) -> None:
    if database.vendor != "sqlite":
        pytest.skip("PostgreSQL recycles its own")
    path = database.url.removeprefix("sqlite:///")
    log = Path(f"{path}-wal")

    def grow() -> None:
        for _ in range(10):
            append(*(registered(parcel(), "a" * 1_000_000) for _ in range(2)))

    append(registered(parcel()))
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_size_limit")
        assert cursor.fetchone() == (64 << 20,)
        cursor.execute("PRAGMA journal_size_limit = 1000000")  # less, so that the test writes less
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM eventstore_event").fetchone()
        grow()
        beside_a_reader = log.stat().st_size
        grow()
        # No checkpoint can pass the reader, so that nothing is used again.
        assert log.stat().st_size > 1.8 * beside_a_reader > 30_000_000
    # A checkpoint follows the first commit, and the next commit begins the file anew.
    for _ in range(2):
        append(registered(parcel()))
    assert log.stat().st_size <= 1_000_000
