"""The test's own PostgreSQL server: its commits survive a crash, and an older copy can be restored."""

import subprocess
import sys
from pathlib import Path

from django.contrib.auth.models import User
from django.db import connections

from tests.support.databases import Database
from tests.support.patience import wait_until
from tests.support.postgres.cluster import Cluster
from tests.support.processes import ROOT

OWNER = """
import time
from tests.support.postgres.cluster import Cluster
cluster = Cluster(durable=False)
cluster.start()
print(cluster.root, cluster.connect().info.backend_pid, flush=True)
time.sleep(60)
"""


def test_a_commit_survives_a_crash_of_the_server(durable_database: Database, cluster: Cluster) -> None:
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


def test_a_server_ends_with_the_process_that_started_it_even_if_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        root, backend = owner.stdout.readline().split()
        assert Path(root).exists()
        owner.kill()
        wait_until(lambda: not Path(root).exists())
        wait_until(lambda: not Path(f"/proc/{backend}").exists())
