"""Runs the tests on PostgreSQL: one server for the whole run, which its forks share.

The owner of the tables migrates, and the tests connect as the application's role, which cannot change the log. A test
that needs more says so by the fixture `as_owner` or `as_superuser`.

Loaded with `-p tests.plugins.postgres`, before Django, which reads DATABASE_URL once. The process that starts the run
starts the server; forks find its socket's directory in the environment.
"""

import os

from tests.plugins import environment
from tests.support.postgres import roles
from tests.support.postgres.cluster import Cluster

SOCKET_DIRECTORY = "DAYBOOK_TEST_POSTGRES"

_cluster: Cluster | None = None
if SOCKET_DIRECTORY not in os.environ:
    _cluster = Cluster(durable=False)
    os.environ[SOCKET_DIRECTORY] = str(_cluster.root)
environment.prepare("postgresql", roles.url(os.environ[SOCKET_DIRECTORY], "postgres"))


def pytest_sessionstart() -> None:
    """Start the server, once."""
    if _cluster is not None:
        _cluster.start()


def pytest_unconfigure() -> None:
    """End it."""
    if _cluster is not None:
        os.environ.pop(SOCKET_DIRECTORY, None)
        _cluster.destroy()
