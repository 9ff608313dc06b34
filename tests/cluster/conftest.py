"""A running cluster, skipped if its programs are not installed."""

import os
from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.cluster.service import Service
from tests.support.cluster import programs
from tests.support.cluster.failover import FailoverCluster
from tests.support.databases import Database, connected_to


@pytest.fixture(scope="module")
def cluster(django_db_blocker: DjangoDbBlocker) -> Iterator[FailoverCluster]:
    """Return a cluster of its own, to which Django is connected without a pooler between."""
    if programs.missing():
        pytest.skip(programs.missing())
    if os.environ["DAYBOOK_TEST_VENDOR"] != "postgresql":
        pytest.skip("a cluster is of PostgreSQL")
    with (
        django_db_blocker.unblock(),
        FailoverCluster() as running,
        connected_to(Database(running.direct_url(), "postgresql")),
    ):
        yield running


@pytest.fixture(scope="module")
def service(cluster: FailoverCluster) -> Iterator[Service]:
    """Return Daybook on that cluster."""
    own = Service(cluster)
    yield own
    own.installation.stop()
