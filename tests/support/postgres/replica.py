"""A streaming replica of a test's PostgreSQL server."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from tests.support import scratch
from tests.support.postgres.cluster import Cluster


@contextmanager
def replica_of(primary: Cluster) -> Iterator[Cluster]:
    """Run a server that follows the primary, asynchronously, over its socket; the primary is restarted for the copy."""
    connections.close_all()
    primary.stop()
    own = Cluster(durable=True, place=scratch.quick())
    own.restore(primary.backup())
    (own.data / "standby.signal").touch()
    with (own.data / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"primary_conninfo = 'host={primary.root} user=postgres'\n")
        settings.write("wal_retrieve_retry_interval = '50ms'\n")
    primary.start()
    with own:
        yield own
