"""The processes of an installation: one of each is killed at random and started again, another is left alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final

import psutil

from benchmarks.server import environment_of
from tests.support.postgres.cluster import Cluster

SEAL_KEY: Final = "5a" * 32
PORTS: Final = (8765, 8766)
"""Those of the web that is killed, and of the web that is left alone."""
LEFT_ALONE: Final = " left alone"
"""Ends the name of a process that nobody kills or freezes: its memory shows whether it grows."""
COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "web": ("-m", "gunicorn", "settings.wsgi"),
    "projectors": ("manage.py", "run_projector"),
    "late_fees": ("manage.py", "run_processmanager", "late_fees"),
    "seals": ("manage.py", "run_processmanager", "seals"),
}


class Processes:
    """The web, the consumers and the database server of one installation; each writes a log into a folder."""

    def __init__(self, cluster: Cluster, url: str, folder: Path, seed: int) -> None:
        self._cluster, self._folder, self._chance = cluster, folder, Random(seed)
        more = {"WEB_THREADS": "16", "API_TOKEN_LIFETIME": "86400", "CONSUMER_POLL_INTERVAL": "200"}
        self.environment = environment_of(url, {**more, "SEAL_KEY": SEAL_KEY})
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.faults: list[str] = []

    def start(self) -> None:
        """Start all that do not run, each of the commands twice; the server must run."""
        for name, arguments in COMMANDS.items():
            for copy, port in ((name, PORTS[0]), (name + LEFT_ALONE, PORTS[1])):
                process = self._running.get(copy)
                status = None if process is None else process.poll()
                if status is not None and copy.endswith(LEFT_ALONE):
                    self.faults.append(f"{copy} ended by itself with status {status}: {self._last_lines(copy)}")
                if process is None or status is not None:
                    self._running[copy] = self._started(copy, arguments, port)

    def _started(self, name: str, arguments: Sequence[str], port: int) -> subprocess.Popen[bytes]:
        with (self._folder / name).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                env={**self.environment, "WEB_BIND": f"127.0.0.1:{port}"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _last_lines(self, name: str) -> str:
        return (self._folder / name).read_text(errors="replace")[-1000:]

    def harm(self) -> str:
        """Kill or freeze one of them, or the server, as chance has it; return what was done."""
        name = self._chance.choice((*COMMANDS, "web worker", "PostgreSQL", "frozen"))
        if name == "PostgreSQL":
            self._cluster.kill()
            self._cluster.start()
        elif name == "frozen":
            name = f"{self._freeze()} frozen"
        elif name == "web worker":
            self._kill_worker()
        else:
            self._kill(name)
        return name

    def end(self) -> None:
        """End all, and nothing else."""
        for name in self._running:
            self._kill(name)

    def memory(self) -> dict[str, float]:
        """Return the memory in MiB that each has for itself, with its children."""
        return {name: sum(_own_memory(one) for one in _family(process.pid)) for name, process in self._running.items()}

    def _kill(self, name: str) -> None:
        process = self._running[name]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _kill_worker(self) -> None:
        workers = _family(self._running["web"].pid)[1:]
        if workers:
            with suppress(psutil.NoSuchProcess):
                self._chance.choice(workers).kill()

    def _freeze(self) -> str:
        name = self._chance.choice(list(COMMANDS))
        for one in _family(self._running[name].pid):
            with suppress(psutil.NoSuchProcess):
                one.suspend()
        return name

    def thaw(self) -> None:
        """Let all that is frozen go on."""
        for process in self._running.values():
            for one in _family(process.pid):
                with suppress(psutil.NoSuchProcess):
                    one.resume()


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _own_memory(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().uss) / 2**20
    except psutil.NoSuchProcess:
        return 0.0
