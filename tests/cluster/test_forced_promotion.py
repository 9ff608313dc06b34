"""A standby that lagged is promoted by force: consumers stop and say so, and go on once an operator lets them."""

import signal
import sys
import time

import pytest
from django.db import connection

from eventstore import store
from eventstore.models import Checkpoint, OperatorAction, RecordedKey
from tests.cluster.service import Service
from tests.support.cluster.failover import FailoverCluster
from tests.support.cluster.node import Node
from tests.support.counting import count
from tests.support.patience import wait_until

FORGETTING_S = 5
"""For so long events are acknowledged that the lagging standby does not receive."""


def stop_receiving(cluster: FailoverCluster, standby: Node) -> None:
    """Let a standby lag behind from now on; its Patroni is frozen, as it would mend that."""
    standby.patroni.send(signal.SIGSTOP)
    cluster.superuser("ALTER SYSTEM SET primary_conninfo = ''", host=standby.address)
    cluster.superuser("SELECT pg_reload_conf()", host=standby.address)
    receivers = "SELECT count(*) FROM pg_stat_wal_receiver"
    wait_until(lambda: cluster.superuser(receivers, host=standby.address) == "0")


def promote_by_force(cluster: FailoverCluster, standby: Node) -> None:
    """Lose the primary and the synchronous standby, and promote the other standby, as an operator does."""
    for node in cluster.nodes:
        if node is not standby:
            node.kill_postgres()
    standby.patroni.send(signal.SIGCONT)
    wait_until(lambda: is_without_primary(cluster, standby), every=0.5)
    cluster.control("failover", "--candidate", standby.name, "--force")
    wait_until(standby.is_primary, every=0.5)
    cluster.superuser("ALTER SYSTEM RESET primary_conninfo", host=standby.address)
    cluster.superuser("SELECT pg_reload_conf()", host=standby.address)


def is_without_primary(cluster: FailoverCluster, standby: Node) -> bool:
    """Return whether Patroni knows the standby and no primary."""
    members = cluster.members()
    return standby.name in members and all(member["role"] != "leader" for member in members.values())


def positions() -> dict[str, tuple[int, str]]:
    """Return the position and the error of each consumer; the connection may be of the server that was lost."""
    connection.close()
    rows = Checkpoint.objects.all()
    return {row.name: (row.position, row.error_message) for row in rows}


def test_consumers_stop_and_go_on_once_an_operator_has_seen_what_is_lost(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster, installation = service.cluster, service.installation
    lagging = next(node for node in cluster.nodes if cluster.members()[node.name]["role"] == "replica")
    with service.in_use():
        stop_receiving(cluster, lagging)
        head = store.head().position
        time.sleep(FORGETTING_S)
        service.wait_until_all_write()
    wait_until(lambda: all(at > head for at, _ in positions().values()))
    promote_by_force(cluster, lagging)
    wait_until(lambda: all("the store went back" in error for _, error in positions().values()), every=0.5)
    assert all("it is another store" in error for _, error in positions().values())
    with service.in_use():  # commands of people and machines work
        pass
    lost = service.acknowledged().keys() - set(RecordedKey.objects.values_list("key", flat=True))
    assert lost, "nothing is lost, so nothing is shown"
    shown = installation.manage("recover")
    assert shown.returncode == 1
    assert "late_fees had handled the events at positions" in shown.stdout
    assert "other events have their positions" in shown.stdout
    done = installation.manage("recover", "--yes", "--reason", f"{lagging.name} was promoted by force")
    assert done.returncode == 0, done.stderr
    assert OperatorAction.objects.filter(action="recover").count() == len(positions())
    assert set(installation.ended()) <= {"late_fees"}  # a process with one consumer ends when that stops
    installation.start()
    wait_until(lambda: {at for at, _ in positions().values()} == {store.head().position}, every=0.5)
    for node in cluster.nodes:
        node.start()
    wait_until(cluster.is_healthy, every=0.5)
    for command in ("recover", "verify_eventstore", "verify_ledger"):
        verified = installation.manage(command)
        assert verified.returncode == 0, verified.stdout + verified.stderr
    count("acknowledged commands that a forced promotion has lost, as it must", {"commands": len(lost)})
    with capsys.disabled():
        sys.stdout.write(f"lost by the forced promotion: {len(lost)} commands\n{shown.stdout}{done.stdout}")
