"""A PostgreSQL server with a migrated database, to be crashed: making one takes seconds, copying its files does not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support import scratch, shared
from tests.support.databases import Database, migrate
from tests.support.postgres.cluster import Cluster

DURABLE: Final = "daybook"
"""The name of the migrated database."""


def prepared_cluster(settings: Mapping[str, str] | None = None) -> Cluster:
    """Return a server of the caller's own that flushes to disk, not yet started, on a copy of the prepared files."""
    # Processes killed with -9 leave the files as they are, so that a crash in memory is as good as one on a disk.
    own = Cluster(durable=True, place=scratch.quick(), settings=settings)
    own.restore(prepared_data())
    return own


def prepared_data() -> Path:
    """Return the data directory of a server with a migrated database."""
    data = shared.folder() / "data"

    def make() -> None:
        with Cluster(durable=False, segment_mb=1) as server:  # each test that crashes a server copies the segments
            server.create_database(DURABLE)
            migrate(Database(server.url(DURABLE), "postgresql"))
            _drop_templates(server)
            server.stop()
            server.copy_to(data)

    shared.once("cluster", make)
    return data


def _drop_templates(server: Cluster) -> None:
    """Drop what no test copies: 600 of 1,600 files, which each test that crashes a server would copy."""
    with server.connect() as connection:
        connection.execute("UPDATE pg_database SET datistemplate = false")
    for template in ("template0", "template1"):
        server.drop_database(template)
