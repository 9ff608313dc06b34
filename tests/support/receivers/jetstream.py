"""A real JetStream of three nodes, to be killed with -9 and started again."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from eventstore.errors import ReceiverAway
from relays.jetstream.stream import Stream
from tests.support import scratch
from tests.support.documents.terminal import free_port
from tests.support.patience import wait_until

T = TypeVar("T")
_SERVER: Final = Path(sys.executable).with_name("nats-server")


class Node:
    """One server."""

    def __init__(self, number: int, folder: Path, port: int, cluster_ports: list[int]) -> None:
        self.port, self._folder = port, folder / str(number)
        routes = ",".join(f"nats://127.0.0.1:{other}" for other in cluster_ports)
        self._arguments = [str(_SERVER), "--addr", "127.0.0.1", "--port", str(port), "--name", f"node-{number}"]
        self._arguments += ["--jetstream", "--store_dir", str(self._folder)]
        if len(cluster_ports) > 1:
            cluster = f"nats://127.0.0.1:{cluster_ports[number]}"
            self._arguments += ["--cluster_name", "tests", "--cluster", cluster, "--routes", routes]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def kill(self) -> None:
        """Kill it with -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Nodes:
    """All of them."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.urls = [f"nats://127.0.0.1:{node.port}" for node in nodes]

    def stream(self, name: str) -> Stream:
        """Return a stream with a copy on each node."""
        return Stream(self.urls, name, len(self.nodes))

    def wait(self, name: str) -> None:
        """Return once a stream takes calls; it is made if it does not exist."""
        stream = self.stream(name)

        def answers() -> bool:
            with suppress(Exception):
                stream.last()
                return True
            return False

        wait_until(answers, every=0.2)
        stream.close()


def answered(call: Callable[[], T]) -> T:
    """Return what a call returns, which is made again while the nodes elect a leader and so take no call."""
    answers: list[T] = []

    def is_answered() -> bool:
        with suppress(ReceiverAway):
            answers.append(call())
        return bool(answers)

    wait_until(is_answered, every=0.2)
    return answers[0]


@contextmanager
def running(number: int) -> Iterator[Nodes]:
    """Run so many nodes."""
    with tempfile.TemporaryDirectory(dir=scratch.quick(), prefix="daybook-nats-") as folder:
        cluster_ports = [free_port() for _ in range(number)]
        nodes = [Node(index, Path(folder), free_port(), cluster_ports) for index in range(number)]
        try:
            for node in nodes:
                node.start()
            yield Nodes(nodes)
        finally:
            for node in nodes:
                node.kill()
