"""The test's own PostgreSQL server: what was committed survives a crash, and an older copy can be restored."""

from django.contrib.auth.models import User
from django.db import connections

from tests.databases import Database
from tests.postgres import Cluster


def test_what_was_committed_survives_a_crash_of_the_whole_server(durable_database: Database, cluster: Cluster) -> None:
    User.objects.create(username="kept")
    cluster.kill()
    connections.close_all()
    cluster.start()
    assert User.objects.get().username == "kept"


def test_an_older_copy_of_the_data_can_be_restored(durable_database: Database, cluster: Cluster) -> None:
    User.objects.create(username="old")
    connections.close_all()
    cluster.stop()
    backup = cluster.backup()
    cluster.start()
    User.objects.create(username="new")
    connections.close_all()
    cluster.stop()
    cluster.restore(backup)
    cluster.start()
    assert [user.username for user in User.objects.all()] == ["old"]
