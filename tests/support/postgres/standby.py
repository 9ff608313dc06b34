"""A synchronous standby that is not there: every commit that waits for it hangs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from tests.support.patience import wait_until
from tests.support.postgres.cluster import Cluster

NOBODY: Final = "nobody"
"""The name of a standby that is never there."""


def wait_for_standby(cluster: Cluster, name: str) -> None:
    """Let commits wait for the standby of this name from now on; "" for none."""
    with cluster.connect("daybook") as server:
        server.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        server.execute("SELECT pg_reload_conf()")
        wait_until(lambda: server.execute("SHOW synchronous_standby_names").fetchone() == (name,))
    if name in {"", NOBODY}:
        # Each process of the server reads the setting for itself, and the checkpointer tells the others.
        wait_until(lambda: _a_commit_waits(cluster) == bool(name))


def _a_commit_waits(cluster: Cluster) -> bool:
    """Return whether a commit waits for the standby; its wait is cancelled."""
    with cluster.connect("daybook") as server, cluster.connect("daybook") as other, ThreadPoolExecutor(1) as thread:
        commit = thread.submit(other.execute, "SELECT pg_logical_emit_message(true, 'test', '')")
        waiting = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'SyncRep'"
        wait_until(lambda: commit.done() or server.execute(waiting, [other.info.backend_pid]).fetchone())
        if waits := not commit.done():
            server.execute("SELECT pg_cancel_backend(%s)", [other.info.backend_pid])
        commit.result()
        return waits


@contextmanager
def hanging_standby(cluster: Cluster) -> Iterator[None]:
    """Let every commit wait for a standby that is not there."""
    wait_for_standby(cluster, NOBODY)
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
