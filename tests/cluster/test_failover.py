"""The primary is killed, cut off and switched: nothing acknowledged is lost or doubled, and all goes on by itself."""

import statistics
import sys
import time
from collections.abc import Callable

import pytest

from tests.cluster.service import Service, in_words
from tests.support.cluster.failover import FailoverCluster
from tests.support.cluster.node import Node
from tests.support.counting import count
from tests.support.patience import wait_until
from tests.support.rounds import rounds

Mended = Callable[[], None]
Harm = Callable[[FailoverCluster, Node], Mended]


def killed(_cluster: FailoverCluster, primary: Node) -> Mended:
    """Switch the primary's machine off."""
    primary.kill()
    return primary.start


def cut_off(_cluster: FailoverCluster, primary: Node) -> Mended:
    """Cut the primary off from etcd; clients and standbys still reach it."""
    primary.cut_off()
    return primary.reconnect


def switched_over(cluster: FailoverCluster, _primary: Node) -> Mended:
    """Make the synchronous standby the primary, as before an upgrade."""
    cluster.control("switchover", "--candidate", cluster.synchronous_standby().name, "--force")
    return lambda: None


@pytest.mark.parametrize(
    ("what", "harm"),
    [
        ("the primary is killed", killed),
        ("the primary is cut off from etcd", cut_off),
        ("the primary is switched over", switched_over),
    ],
)
def test_nothing_acknowledged_is_lost_while(
    service: Service, what: str, harm: Harm, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = []
    with service.in_use():
        for number in range(rounds(1)):
            seconds.append(without_service_s(service, harm))
            with capsys.disabled():
                sys.stdout.write(f"{what}, round {number + 1}: {seconds[-1]:.1f} s without service\n")
    found = service.check()
    with capsys.disabled():
        sys.stdout.write(f"{what}: {in_words(seconds)}; {found}\n")
    figures = {"least": min(seconds), "median": statistics.median(seconds), "greatest": max(seconds)}
    count(f"rounds in which {what}", {"rounds": len(seconds)})
    for name, value in figures.items():
        count(f"without service while {what}, {name}", {"ms": round(value * 1000)})
    count("acknowledged", {"commands": service.newly_acknowledged()})


def without_service_s(service: Service, harm: Harm) -> float:
    """Harm the primary, wait until all is as before, and return how long nobody was served."""
    cluster = service.cluster
    wait_until(cluster.is_healthy, every=0.5)
    before = cluster.primary()
    assert before is not None
    began = time.monotonic()
    mended = harm(cluster, before)
    wait_until(lambda: cluster.primary() not in {None, before}, every=0.2)
    mended()
    wait_until(cluster.is_healthy, every=0.5)
    service.wait_until_all_write()
    assert service.installation.ended() == []
    return service.without_service_s(began)
