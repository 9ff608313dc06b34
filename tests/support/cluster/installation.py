"""Daybook on a cluster: the web behind PgBouncer, and the consumers and the daily cycle, which connect directly."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Final

from tests.support.cluster.daemon import Daemon
from tests.support.cluster.failover import FailoverCluster
from tests.support.patience import wait_until
from tests.support.postgres.roles import OWNER
from tests.support.processes import ROOT

PORT: Final = 8000
_ANSWER_S: Final = 10
SETTINGS: Final = {
    "DEBUG": "false",
    "SECRET_KEY": "of a throwaway cluster",
    "DJANGO_SETTINGS_MODULE": "settings",
    "HYDRATION_DELAY": "0",
    "HYDRATION_DELAY_ENTROPY": "0",
    "HTTPS_ONLY": "false",
    "WEB_PROXIES": "0",
    "PYTHONUNBUFFERED": "1",
}


class Installation:
    """The processes of Daybook, each started once: nothing starts them again."""

    def __init__(self, cluster: FailoverCluster, *, first_date: str = "") -> None:
        self._cluster = cluster
        self.environment = {**os.environ, **SETTINGS, "DATABASE_URL": cluster.direct_url()}
        pooled = {"DATABASE_URL": cluster.pooled_url(), "PREPARED_STATEMENTS": "false"}
        web = {
            "WEB_BIND": f"{cluster.door}:{PORT}",
            "WEB_THREADS": "16",
            "ALLOWED_HOSTS": cluster.door,
            "API_TOKEN_LIFETIME": "86400",
        }
        today = ["--today", first_date] if first_date else []
        self.daemons = {
            "web": self._daemon("web", {**pooled, **web}, "-m", "gunicorn", "settings.wsgi"),
            "projectors": self._daemon("projectors", {}, "manage.py", "run_projector"),
            "late_fees": self._daemon("late_fees", {}, "manage.py", "run_processmanager", "late_fees"),
            "daily_cycle": self._daemon(
                "daily_cycle", {}, "manage.py", "daily_cycle", "--loop", "--period", "5", *today
            ),
        }

    def _daemon(self, name: str, more: dict[str, str], *arguments: str) -> Daemon:
        environment = {**SETTINGS, "DATABASE_URL": self._cluster.direct_url(), **more}
        return Daemon(name, self._cluster.root, [sys.executable, *arguments], environment)

    def migrate(self) -> None:
        """Migrate as the owner, and register the process manager, so that it misses no date."""
        # A busy machine may take long between two statements of a migration.
        patient = {"IDLE_IN_TRANSACTION_TIMEOUT": "300000"}
        owner = {**self.environment, **patient, "DATABASE_URL": self._cluster.direct_url(OWNER)}
        for environment, arguments in (
            (owner, ("migrate", "--verbosity", "0")),
            (self.environment, ("run_processmanager", "late_fees", "--once")),
        ):
            subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True)

    def start(self) -> None:
        """Start all that does not run, and wait until the web is ready."""
        for daemon in self.daemons.values():
            if not daemon.is_running():
                daemon.start()
        wait_until(self.is_ready, every=0.2)

    def is_ready(self) -> bool:
        """Whether the web says that it is ready."""
        try:
            with urllib.request.urlopen(f"http://{self._cluster.door}:{PORT}/readyz", timeout=_ANSWER_S) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    def ended(self) -> list[str]:
        """Return the names of the processes that have ended."""
        return [name for name, daemon in self.daemons.items() if not daemon.is_running()]

    def stop(self) -> None:
        """Ask all to end, then kill what is left."""
        for daemon in self.daemons.values():
            daemon.send(signal.SIGTERM)
        for daemon in self.daemons.values():
            wait_until(lambda daemon=daemon: not daemon.is_running())  # type: ignore[misc] # mypy infers no default of a lambda

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run manage.py on the cluster, as an operator does."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
