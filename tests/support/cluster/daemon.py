"""One process of the cluster that writes a log, and that is ended with the whole cluster."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tests.support.patience import PATIENCE_S
from tests.support.processes import ROOT

MARK: Final = "DAYBOOK_THROWAWAY_CLUSTER"
"""The environment variable that names the cluster's folder in each of its processes."""


class Daemon:
    """A process that is started, killed, frozen and started again; it leads a process group of its own."""

    def __init__(
        self,
        name: str,
        root: Path,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.name, self.log = name, root / f"{name}.log"
        self._arguments = list(arguments)
        self._environment = {**os.environ, **environment, MARK: str(root)}
        self._options = dict(options or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the process, which has been started."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments,
                env=self._environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._options,
            )

    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process and its children."""
        if self.is_running():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def kill(self) -> None:
        """Kill it with -9, with its children."""
        if self._process is not None:
            self.send(signal.SIGKILL)
            self._process.wait(timeout=PATIENCE_S)

    def tail(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""
