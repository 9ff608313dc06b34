"""What bounds an append, and which settings of a database do not matter."""

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


def test_the_write_ahead_log_of_sqlite_is_cut(database: Database) -> None:
    if database.vendor != "sqlite":
        pytest.skip("PostgreSQL recycles its own")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_size_limit")
        assert cursor.fetchone() == (64 * 1024**2,)
