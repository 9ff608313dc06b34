"""The cluster: three nodes, the door before them, and the database with its roles, all in a throwaway folder."""

import atexit
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Final, Self

from tests.support import scratch
from tests.support.cluster import watchdog
from tests.support.cluster.daemon import MARK, Daemon
from tests.support.cluster.node import Node
from tests.support.cluster.programs import hand_over, postgres_binaries, program, unprivileged
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.postgres.roles import APP, OWNER
from tests.support.processes import ROOT

TEMPLATES: Final = ROOT / "deploy" / "cluster"
_ROLES: Final = ROOT / "deploy" / "postgres" / "create-roles.sh"
_SECRETS: Final = ("PATRONI_PASSWORD", "SUPERUSER_PASSWORD", "REPLICATION_PASSWORD", "REWIND_PASSWORD", "APP_PASSWORD")
_AT_LEAST_REPLICATING: Final = {"running", "streaming"}
_SESSION: Final = (
    "idle_in_transaction_session_timeout = '10s'",
    "timezone = 'UTC'",
    "datestyle = 'ISO'",
    "eventstore.append_lock_timeout = '10s'",
    "eventstore.append_lock_idle_timeout = '2s'",
)
"""What PgBouncer drops, as docs/how-to/run-in-production.md sets it."""


class FailoverCluster:
    """Three nodes, each with its own address on the loopback interface and the ports of production, and the door."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="daybook-cluster-", dir=scratch.durable()))
        self.root.chmod(0o755)
        net = f"127.{Random().randrange(1, 255)}.{Random().randrange(1, 255)}"
        self.door = f"{net}.10"
        self.secrets = {name: secrets.token_hex(12) for name in (*_SECRETS, "OWNER_PASSWORD")}
        names = ["node1", "node2", "node3"]
        addresses = [f"{net}.{number}" for number in (1, 2, 3)]
        for name, address in zip(names, addresses, strict=True):
            self.fill(name, address, addresses)
        hand_over(self.root)
        self.nodes = [Node(name, at, self.root / name, addresses) for name, at in zip(names, addresses, strict=True)]
        filled = self.root / names[0] / "filled"
        self._doors = [
            Daemon(
                "haproxy", self.root, [program("haproxy"), "-W", "-f", str(filled / "haproxy.cfg")], {}, unprivileged()
            ),
            Daemon("pgbouncer", self.root, [program("pgbouncer"), str(filled / "pgbouncer.ini")], {}, unprivileged()),
        ]
        self._watchdog = subprocess.Popen(
            [sys.executable, "-m", watchdog.__name__, str(self.root), MARK],
            stdin=subprocess.PIPE,
            start_new_session=True,
            cwd=ROOT,
        )
        atexit.register(self.destroy)

    def __enter__(self) -> Self:
        """Start all of it, and make the database."""
        for node in self.nodes:
            node.start()
        wait_until(self.is_healthy, every=0.5)
        for door in self._doors:
            door.start()
        self._make_database()
        # HAProxy takes every node for the primary until it has asked each twice.
        wait_until(lambda: all(self._is_served() for _ in range(10)), every=0.5)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all of it and delete the folder."""
        self.destroy()

    def destroy(self) -> None:
        """End all of it and delete the folder; a second call does nothing."""
        atexit.unregister(self.destroy)
        if self._watchdog.stdin is not None and not self._watchdog.stdin.closed:
            self._watchdog.stdin.close()
            self._watchdog.wait(timeout=PATIENCE_S)
            for node in self.nodes:
                node.kill()
            for door in self._doors:
                door.kill()

    def direct_url(self, role: str = APP) -> str:
        """Return the URL of the primary, without a pooler between."""
        password = self.secrets["OWNER_PASSWORD" if role == OWNER else "APP_PASSWORD"]
        return f"postgres://{role}:{password}@{self.door}:5000/daybook"

    def pooled_url(self) -> str:
        """Return the URL of the primary through PgBouncer."""
        return f"postgres://{APP}:{self.secrets['APP_PASSWORD']}@{self.door}:6432/daybook"

    def members(self) -> dict[str, dict[str, Any]]:
        """Return what Patroni says of each node, by its name."""
        for node in self.nodes:
            status, found = node.ask("/cluster")
            if status:
                return {member["name"]: member for member in found.get("members", [])}
        return {}

    def primary(self) -> Node | None:
        """Return the primary, or None if there is none."""
        return next((node for node in self.nodes if node.is_primary()), None)

    def synchronous_standby(self) -> Node:
        """Return the node that is promoted if the primary is lost."""
        roles = {name: member["role"] for name, member in self.members().items()}
        return next(node for node in self.nodes if roles.get(node.name) == "sync_standby")

    def is_healthy(self) -> bool:
        """Whether there are a primary, a synchronous standby and another standby, and all replicate."""
        members = self.members()
        roles = sorted(member["role"] for member in members.values())
        states = {member.get("state") for member in members.values()}
        lags = [member.get("lag", 0) for member in members.values()]
        follow = states <= _AT_LEAST_REPLICATING and lags == [0 if isinstance(lag, int) else 1 for lag in lags]
        return roles == ["leader", "replica", "sync_standby"] and follow and self.primary() is not None

    def control(self, *arguments: str) -> str:
        """Run patronictl, as an operator does, and return what it says."""
        command = [program("patronictl"), "-c", str(self.nodes[0].configuration), *arguments]
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def superuser(self, statement: str, database: str = "daybook", host: str | None = None) -> str:
        """Run a statement on the primary, or on the node at an address, as the superuser, and return what it shows."""
        place = {"PGHOST": host or self.door, "PGPORT": "5432" if host else "5000", "PGDATABASE": database}
        login = {"PGUSER": "postgres", "PGPASSWORD": self.secrets["SUPERUSER_PASSWORD"]}
        done = subprocess.run(
            [program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement],
            env={**os.environ, **place, **login},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def reload_haproxy(self) -> None:
        """Let HAProxy read its configuration again, as its unit does."""
        os.kill(self._doors[0].pid, signal.SIGUSR2)

    def standby_address(self) -> str:
        """Return the address of the node to which port 5001 leads next."""
        place = {"PGHOST": self.door, "PGPORT": "5001", "PGDATABASE": "postgres"}
        login = {"PGUSER": "postgres", "PGPASSWORD": self.secrets["SUPERUSER_PASSWORD"]}
        command = [program("psql"), "-XAtq", "-c", "SELECT host(inet_server_addr())"]
        done = subprocess.run(
            command,
            env={**os.environ, **place, **login},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        return done.stdout.strip()

    def fill(self, name: str, address: str, addresses: list[str]) -> None:
        """Fill the templates for a node, as an operator does."""
        folder = self.root / name
        folder.mkdir()
        values = {
            "NAME": name,
            "ADDRESS": address,
            **{f"NODE_{number}": each for number, each in enumerate(addresses, start=1)},
            "DOOR": self.door,
            "FILLED": str(folder / "filled"),
            "DATA": str(folder),
            "POSTGRES_BIN": str(postgres_binaries()),
            **{secret: self.secrets[secret] for secret in _SECRETS},
        }
        file = folder / "cluster.env"
        file.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
        subprocess.run(["sh", str(TEMPLATES / "fill.sh"), str(file), str(folder / "filled")], check=True)

    def _is_served(self) -> bool:
        time.sleep(0.3)
        try:
            return self.superuser("SELECT pg_is_in_recovery()") == "f"
        except AssertionError:
            return False

    def _make_database(self) -> None:
        primary = self.primary()
        assert primary is not None
        self.superuser("CREATE DATABASE daybook", "postgres", primary.address)
        environment = {
            **os.environ,
            "PGHOST": primary.address,
            "PGPASSWORD": self.secrets["SUPERUSER_PASSWORD"],
            "POSTGRES_USER": "postgres",
            "POSTGRES_DB": "daybook",
            "OWNER_PASSWORD": self.secrets["OWNER_PASSWORD"],
            "APP_PASSWORD": self.secrets["APP_PASSWORD"],
        }
        subprocess.run(["sh", str(_ROLES)], check=True, env=environment, timeout=PATIENCE_S)
        for setting in _SESSION:
            self.superuser(f"ALTER ROLE {APP} SET {setting}", host=primary.address)
