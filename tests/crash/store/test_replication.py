"""What real replication does to the log: a change of a row is refused, and a standby that lagged is noticed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connections

from eventstore import store
from eventstore.runtime.outages import is_outage
from tests.contracts.events import append as append_parcels
from tests.contracts.events import parcel, registered
from tests.support.consumers.observing import Start, append, error, position
from tests.support.consumers.probes import trigger
from tests.support.databases import Database, connected_to
from tests.support.patience import wait_until
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.prepared import DURABLE
from tests.support.postgres.replica import replica_of

Server = psycopg.Connection[tuple[Any, ...]]

COLUMNS = "position, stream_id, version, type, schema_version, payload::text, actor, correlation_id, metadata::text"
TABLE = (
    "CREATE TABLE eventstore_event (position bigint PRIMARY KEY, stream_id text, version bigint, type text,"
    " schema_version int, payload jsonb, actor text, correlation_id text, metadata jsonb, recorded_at timestamptz)"
)
CHANGES = {
    "UPDATE eventstore_event SET actor = 'mallory'": "UPDATE of eventstore_event is refused",
    "DELETE FROM eventstore_event": "DELETE of eventstore_event is refused",
    "INSERT INTO eventstore_event SELECT 5, stream_id, 5, type, schema_version, payload, actor, correlation_id,"
    " metadata, recorded_at FROM eventstore_event": "INSERT of position 5 and version 5 is refused",
}

NEXT = (
    "INSERT INTO eventstore_event SELECT 2, stream_id, 2, type, schema_version, payload, actor, correlation_id,"
    " metadata, recorded_at FROM eventstore_event WHERE position = 1"
)


@contextmanager
def replicating(cluster: Cluster, publisher: Server, subscriber: Server) -> Iterator[None]:
    """Let the log be changed by every later change of the publisher's table."""
    publisher.execute("SELECT pg_create_logical_replication_slot('changes', 'pgoutput')")
    subscriber.execute(
        f"CREATE SUBSCRIPTION changes CONNECTION 'host={cluster.root} user=postgres dbname=publisher'"
        " PUBLICATION changes WITH (create_slot = false, copy_data = false)"
    )
    yield
    subscriber.execute("ALTER SUBSCRIPTION changes DISABLE")
    subscriber.execute("DROP SUBSCRIPTION changes")


def test_logical_replication_can_add_the_next_event_and_change_nothing(
    durable_database: Database, cluster: Cluster
) -> None:
    assert durable_database.vendor == "postgresql"
    connections.close_all()
    cluster.settings |= {"wal_level": "logical", "wal_retrieve_retry_interval": "50ms"}
    cluster.restart()
    append_parcels(registered(parcel()))
    before = list(store.read_all())
    cluster.create_database("publisher", template="postgres")
    with cluster.connect("publisher") as publisher, cluster.connect("daybook") as subscriber:
        row = subscriber.execute(f"SELECT {COLUMNS}, recorded_at FROM eventstore_event").fetchone()
        publisher.execute(TABLE)
        publisher.execute("CREATE PUBLICATION changes FOR TABLE eventstore_event")
        for change, refused in CHANGES.items():
            publisher.execute("TRUNCATE eventstore_event")
            publisher.execute("INSERT INTO eventstore_event VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", row)
            with replicating(cluster, publisher, subscriber):
                publisher.execute(change)
                wait_until(lambda refused=refused: f"append-only: {refused}" in cluster.log.read_text())  # type: ignore[misc] # mypy infers no default of a lambda
            assert list(store.read_all()) == before
        with replicating(cluster, publisher, subscriber):
            publisher.execute(NEXT)
            wait_until(lambda: store.head().position == 2)


@pytest.fixture
def standby(cluster: Cluster) -> Iterator[Cluster]:
    """Return a running standby that follows the cluster, asynchronously."""
    with replica_of(cluster) as own:
        yield own


def replayed(standby: Cluster) -> tuple[Any, ...]:
    """Return the head and the lower of the two checkpoints that the standby has."""
    with standby.connect("daybook") as server:
        found = server.execute(
            "SELECT (SELECT max(position) FROM eventstore_event),"
            " (SELECT min(position) FROM eventstore_checkpoint WHERE name IN ('copy', 'tally'))"
        )
        return found.fetchone() or ()


def stop_receiving(standby: Cluster) -> None:
    """Let the standby lag behind from now on."""
    with standby.connect() as server:
        server.execute("ALTER SYSTEM SET primary_conninfo = ''")
        server.execute("SELECT pg_reload_conf()")
        wait_until(lambda: server.execute("SELECT 1 FROM pg_stat_wal_receiver").fetchone() is None)


@pytest.mark.usefixtures("durable_database")
def test_a_barrier_on_a_standby_is_an_outage_because_it_is_no_primary_yet_or_any_more(standby: Cluster) -> None:
    with connected_to(Database(standby.url(DURABLE), "postgresql")), pytest.raises(DatabaseError) as refused:
        store.barrier()
    assert is_outage(refused.value)


@pytest.mark.usefixtures("durable_database")
def test_a_consumer_notices_that_a_standby_that_lagged_was_promoted(
    cluster: Cluster, standby: Cluster, start: Start
) -> None:
    process = start("run_projector", "copy", "tally")
    append(trigger(), trigger())
    wait_until(lambda: replayed(standby) == (2, 2))
    stop_receiving(standby)
    append(trigger(), trigger())
    wait_until(lambda: position("copy") == position("tally") == 4)
    connections.close_all()
    cluster.kill()
    standby.stop()
    # The standby takes over the address of the server that was lost.
    cluster.restore(standby.backup())
    cluster.start()
    with cluster.connect() as server:
        server.execute("SELECT pg_promote()")
    wait_until(lambda: error("copy") and error("tally"))
    assert error("copy").startswith("copy had handled position 4, and its checkpoint is now at 2: the store went back")
    assert error("tally").startswith("tally had handled position 4, and its checkpoint is now at 2")
    assert process.poll() is None
    # The error stays although the positions are given to other events.
    append(trigger(), trigger(), trigger())
    assert (position("copy"), store.head().position) == (2, 5)
