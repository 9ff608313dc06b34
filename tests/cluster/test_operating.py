"""What docs/how-to/operate-a-cluster.md lets an operator do to a cluster, done to one."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from eventstore import store
from eventstore.runtime.connections import close_connections
from tests.support.cluster.failover import FailoverCluster
from tests.support.cluster.installation import Installation
from tests.support.cluster.node import Node
from tests.support.cluster.programs import hand_over, postgres_binaries, program, unprivileged
from tests.support.documents import pages
from tests.support.ledger.portfolio import new_company
from tests.support.patience import PATIENCE_S, wait_until

PAGE = "docs/how-to/operate-a-cluster.md"


@pytest.fixture(scope="module", autouse=True)
def ledger(cluster: FailoverCluster) -> None:
    """Give the cluster a ledger."""
    Installation(cluster).migrate()
    new_company("1.00")


def typed(cluster: FailoverCluster, command: str, *, asked: str = "") -> str:
    """Run a command as the user of the servers, with the programs and passwords that an operator has."""
    environment = {
        **os.environ,
        "PATH": f"{postgres_binaries()}:{Path(program('patronictl')).parent}:{os.environ['PATH']}",
        "PGPASSWORD": cluster.secrets["REPLICATION_PASSWORD"],
        "LC_ALL": "C.UTF-8",
        "CONFIGURATION": str(cluster.nodes[0].configuration),
    }
    script = f'patronictl() {{ command patronictl -c "$CONFIGURATION" "$@"; }}\n{command}'
    done: subprocess.CompletedProcess[str] = subprocess.run(
        ["bash", "-ec", script],
        env=environment,
        cwd=cluster.root,
        input=asked,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        **unprivileged(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def of_page(first: str, places: Mapping[str, object]) -> str:
    """Return the commands of a block of the page, without those of systemd, with a test's places instead of its own."""
    text = next(block.text for block in pages.blocks(PAGE) if block.text.startswith(first))
    for old, new in places.items():
        text = text.replace(old, str(new))
    return re.sub(r"^[$#] (systemctl .*\n)?", "", text, flags=re.MULTILINE)


def replicates(cluster: FailoverCluster, names: set[str]) -> bool:
    """Whether exactly these nodes are members, one leads, one is synchronous, and all replicate."""
    members = cluster.members()
    roles = [member["role"] for member in members.values()]
    lags = [member.get("lag", 0) for member in members.values()]
    states = {member.get("state") for member in members.values()}
    follow = states <= {"running", "streaming"} and not any(lags)
    return members.keys() == names and roles.count("leader") == roles.count("sync_standby") == 1 and follow


def healthy(cluster: FailoverCluster) -> Callable[[], bool]:
    return lambda: replicates(cluster, {node.name for node in cluster.nodes})


def test_a_setting_is_changed_and_the_primary_is_moved_away_first(cluster: FailoverCluster) -> None:
    assert "Leader" in typed(cluster, "patronictl list")
    typed(cluster, "patronictl edit-config --force -p max_connections=210")
    old = cluster.primary()
    assert old is not None
    for node in cluster.nodes:
        if node is not old:
            typed(cluster, f"patronictl restart daybook {node.name} --force")
            wait_until(healthy(cluster), every=0.5)
    typed(cluster, f"patronictl switchover --candidate {cluster.synchronous_standby().name} --force")
    wait_until(lambda: cluster.primary() not in {None, old}, every=0.5)
    wait_until(healthy(cluster), every=0.5)
    typed(cluster, f"patronictl restart daybook {old.name} --force")
    wait_until(healthy(cluster), every=0.5)
    assert {cluster.superuser("SHOW max_connections", host=node.address) for node in cluster.nodes} == {"210"}
    primary = cluster.primary()
    assert primary is not None
    assert primary.name in typed(cluster, "patronictl history").splitlines()[-2]
    typed(cluster, f"patronictl reinit daybook {old.name} --force")
    wait_until(healthy(cluster), every=0.5)
    assert not [line for line in typed(cluster, "patronictl list").splitlines() if "*" in line]


def has_a_leader(cluster: FailoverCluster, etcdctl: str) -> bool:
    """Return whether etcd takes calls; while its members elect a leader, a call ends in a timeout."""
    with suppress(AssertionError):
        typed(cluster, f"{etcdctl} endpoint health")
        return True
    return False


def test_a_lost_machine_is_replaced_by_an_empty_one_of_the_same_address(cluster: FailoverCluster) -> None:
    lost = next(node for node in cluster.nodes if not node.is_primary())
    others = [node for node in cluster.nodes if node is not lost]
    lost.kill()
    folder = cluster.root / lost.name
    shutil.rmtree(folder / "postgres")
    shutil.rmtree(folder / "etcd")
    etcdctl = f"ETCDCTL_API=3 etcdctl --endpoints=http://{others[0].address}:2379"
    wait_until(lambda: has_a_leader(cluster, etcdctl), every=0.5)  # the lost one may have led etcd
    members = [line.split(", ") for line in typed(cluster, f"{etcdctl} member list").splitlines()]
    number = next(member[0] for member in members if member[2] == lost.name)
    typed(cluster, f"{etcdctl} member remove {number}")
    added = typed(cluster, f"{etcdctl} member add {lost.name} --peer-urls=http://{lost.address}:2380")
    assert 'ETCD_INITIAL_CLUSTER_STATE="existing"' in added
    settings = folder / "filled" / "etcd.env"
    settings.write_text(settings.read_text().replace("CLUSTER_STATE=new", "CLUSTER_STATE=existing"))
    new = Node(lost.name, lost.address, folder, [node.address for node in cluster.nodes])
    cluster.nodes[cluster.nodes.index(lost)] = new
    new.start()
    wait_until(healthy(cluster), every=0.5)
    assert typed(cluster, f"{etcdctl} member list").count("started") == len(cluster.nodes)


def test_a_fourth_node_follows_and_answers_reads(cluster: FailoverCluster) -> None:
    addresses = [node.address for node in cluster.nodes]
    address = addresses[0].rpartition(".")[0] + ".4"
    cluster.fill("node4", address, addresses)
    hand_over(cluster.root / "node4")
    new = Node("node4", address, cluster.root / "node4", addresses)
    new.start(with_etcd=False)
    try:
        wait_until(lambda: replicates(cluster, {*(node.name for node in cluster.nodes), "node4"}), every=0.5)
        filled = cluster.root / "node1" / "filled"
        typed(cluster, of_page("# systemctl enable", {"10.0.0.4": address, "/etc/daybook/cluster": filled}))
        cluster.reload_haproxy()
        wait_until(lambda: address in {cluster.standby_address() for _ in range(6)}, every=0.2)
        assert cluster.superuser("SELECT count(*) FROM eventstore_event", host=address) != "0"
    finally:
        new.kill()
        wait_until(healthy(cluster), every=0.5)


def test_a_backup_is_restored_to_a_moment_and_the_other_nodes_follow(cluster: FailoverCluster) -> None:
    backup = cluster.root / "backup"
    (backup / "wal").mkdir(parents=True)
    hand_over(backup)
    standby = cluster.synchronous_standby()
    typed(cluster, of_page("$ patronictl edit-config", {"/backup": backup, "10.0.0.2": standby.address}))
    wait_until(healthy(cluster), every=0.5)
    close_connections()  # the server was started again
    new_company("2.00")
    kept, moment = store.head(), cluster.superuser("SELECT clock_timestamp()")
    new_company("3.00")
    segment = cluster.superuser("SELECT pg_walfile_name(pg_switch_wal())")
    wait_until((backup / "wal" / segment).exists, every=0.2)
    lost = store.head().position
    _stop_patroni(cluster)
    first, *others = cluster.nodes
    places = {"/var/lib/daybook-cluster": first.data.parent, "/backup": backup, "2026-11-26 07:30:00 UTC": moment}
    typed(cluster, of_page("$ cd /var/lib", places))
    typed(cluster, "patronictl remove daybook", asked="daybook\nYes I am aware\n")
    first.start()
    wait_until(first.is_primary, every=0.5)
    for node in others:
        shutil.rmtree(node.data)
        node.start()
    wait_until(healthy(cluster), every=0.5)
    close_connections()
    assert store.head() == kept
    assert lost > kept.position
    assert "synchronous_mode: true" in typed(cluster, "patronictl show-config")
    assert cluster.superuser("SHOW archive_mode") == "on"
    done = Installation(cluster).manage("recover")
    assert (done.returncode, "nothing differs" in done.stdout) == (0, True), done.stdout + done.stderr
    new_company("4.00")


def _stop_patroni(cluster: FailoverCluster) -> None:
    """Stop Patroni and PostgreSQL on all nodes, as `systemctl stop daybook-patroni` does."""
    for node in cluster.nodes:
        node.patroni.send(signal.SIGTERM)
    wait_until(lambda: not any((node.data / "postmaster.pid").exists() for node in cluster.nodes))
