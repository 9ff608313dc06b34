"""One node of the cluster, as a machine: etcd, Patroni with its PostgreSQL, and the network to etcd."""

import json
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.support.cluster import link
from tests.support.cluster.daemon import Daemon
from tests.support.cluster.programs import program, unprivileged
from tests.support.postgres import watchdog

_LINK_PORT: Final = 12379
_ANSWER_S: Final = 3
_RESTARTED: Final = 'while :; do "$0" "$@"; sleep 2; done'
"""What systemd does with a unit that has ended."""


class Node:
    """A machine that can lose its power, and its network to etcd."""

    def __init__(self, name: str, address: str, folder: Path, addresses: list[str]) -> None:
        self.name, self.address, self.data = name, address, folder / "postgres"
        self.configuration = folder / "filled" / "patroni.yml"
        root, options = folder.parent, unprivileged()
        home = {"HOME": str(folder), "LC_ALL": "C.UTF-8"}
        own_first = [address, *(other for other in addresses if other != address)]
        forwarding = [sys.executable, link.__file__, address, str(_LINK_PORT), *own_first]
        self._link = Daemon(f"{name}-link", root, forwarding, {})
        values = _environment_file(folder / "filled" / "etcd.env")
        self.etcd = Daemon(f"{name}-etcd", root, [program("etcd")], {**home, **values}, options)
        by_link = {"PATRONI_ETCD3_HOSTS": f"{address}:{_LINK_PORT}", "PATRONI_ETCD3_USE_PROXIES": "true"}
        patroni = ["sh", "-c", _RESTARTED, program("patroni"), str(self.configuration)]
        self.patroni = Daemon(f"{name}-patroni", root, patroni, {**home, **by_link}, options)

    def start(self, *, with_etcd: bool = True) -> None:
        """Switch the machine on; a fourth one has no etcd of its own."""
        for daemon in (self._link, *([self.etcd] if with_etcd else []), self.patroni):
            if not daemon.is_running():
                daemon.start()

    def kill(self) -> None:
        """Switch the machine off: all that runs on it is killed with -9."""
        self.kill_postgres()
        self.etcd.kill()
        self._link.kill()

    def kill_postgres(self) -> None:
        """Kill PostgreSQL and Patroni with -9, and leave etcd, as if the disk of the data were lost."""
        self.patroni.kill()
        watchdog.kill_server(self.data)

    def cut_off(self) -> None:
        """Let the network between Patroni and etcd deliver nothing."""
        self._link.send(signal.SIGSTOP)

    def reconnect(self) -> None:
        """Let the network deliver again, also what was sent meanwhile."""
        self._link.send(signal.SIGCONT)

    def ask(self, path: str) -> tuple[int, dict[str, Any]]:
        """Return the status and the answer of Patroni's API; 0 if it does not answer."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:8008{path}", timeout=_ANSWER_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, {}
        except (OSError, ValueError):
            return 0, {}

    def is_primary(self) -> bool:
        """Whether Patroni says that it is the primary."""
        return self.ask("/primary")[0] == 200


def _environment_file(path: Path) -> Mapping[str, str]:
    """Return the variables of a file as systemd reads it."""
    lines = [line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}
