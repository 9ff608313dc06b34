"""A synchronous standby that is not there: every commit that waits for it hangs."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.patience import wait_until
from tests.support.postgres.cluster import Cluster


def wait_for_standby(cluster: Cluster, name: str) -> None:
    """Let commits wait for the standby of this name from now on; "" for none."""
    with cluster.connect("daybook") as server:
        server.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        server.execute("SELECT pg_reload_conf()")
        wait_until(lambda: server.execute("SHOW synchronous_standby_names").fetchone() == (name,))


@contextmanager
def hanging_standby(cluster: Cluster) -> Iterator[None]:
    """Let every commit wait for a standby that is not there."""
    wait_for_standby(cluster, "nobody")
    try:
        yield
    finally:
        wait_for_standby(cluster, "")


def cancel_waits(cluster: Cluster) -> None:
    """Cancel the one commit that waits for the standby, once it does."""
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    with cluster.connect("daybook") as server:
        wait_until(lambda: server.execute(waiting).fetchone())
        server.execute(f"SELECT pg_cancel_backend(pid) FROM ({waiting}) AS waits")
        wait_until(lambda: not server.execute(waiting).fetchone())
