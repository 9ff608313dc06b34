"""A prepared read that was planned while the log was empty is planned again as the log grows."""

from uuid import uuid4

import pytest
from django.db import connection

from eventstore import store
from eventstore.log.reads import read_streams
from eventstore.records import Context, NewEvent, stream_id_of
from ledger.rules.events import CompanyRegistered


def rows_read_by_scans() -> int:
    """Return how many rows of the log were read by reading the whole table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'eventstore_event'")
        [[found]] = cursor.fetchall()
    return int(found)


@pytest.mark.usefixtures("as_owner")
def test_a_plan_of_an_empty_log_is_not_kept() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite keeps no plans")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE eventstore_event SET (autovacuum_enabled = false)")
        cursor.execute("VACUUM ANALYZE eventstore_event")
    streams = [stream_id_of("company", uuid4()) for _ in range(3000)]
    for _ in range(70):
        read_streams({streams[0]: 0})
    for first in range(0, len(streams), 500):
        events = [NewEvent(stream, CompanyRegistered("Acme")) for stream in streams[first : first + 500]]
        store.append(events, Context("test", "test"))
    for _ in range(512):
        read_streams({streams[0]: 0})
    before = rows_read_by_scans()
    for _ in range(10):
        assert read_streams({streams[0]: 0})
    assert rows_read_by_scans() == before
