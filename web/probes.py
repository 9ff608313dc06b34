"""/healthz and /readyz: whether this process is alive, and whether it can work."""

import logging
import time
from functools import cache
from threading import Event, Lock, Thread
from typing import Final

from django.db import DatabaseError, InterfaceError, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from eventstore.consumers.status import statuses

PATIENCE_S: Final = 2
"""How long /readyz waits for a database."""
_RETRY_AFTER_S: Final = 5
_logger = logging.getLogger(__name__)


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer that this process is alive; whoever asks learns nothing more, and nothing else is asked."""
    return JsonResponse({"status": "alive"})


@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Answer whether this server can work: databases there and migrated, no consumer stopped by an error."""
    if reasons := readiness.reasons():
        content = {"status": "not ready", "reasons": reasons}
        return JsonResponse(content, status=503, headers={"Retry-After": str(_RETRY_AFTER_S)})
    return JsonResponse({"status": "ready"})


class _Look:
    """One look at the databases, for which everybody waits who asks meanwhile."""

    def __init__(self) -> None:
        self.began, self.done = time.monotonic(), Event()
        self.reasons: list[str] = []


class Readiness:
    """Looks in a thread of its own, at most one at a time, so that a database that hangs does not hang the server."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: _Look | None = None

    def reasons(self) -> list[str]:
        """Return what is not ready, in time whatever the databases do."""
        with self._lock:
            look = self._running
            if look is None:
                look = self._running = _Look()
                Thread(target=self._look, args=[look], name="readyz", daemon=True).start()
        if look.done.wait(max(0.0, look.began + PATIENCE_S - time.monotonic())):
            return look.reasons
        return [f"no database has answered within {PATIENCE_S} s"]

    def _look(self, look: _Look) -> None:
        try:
            look.reasons = _databases() or _consumers()
        except Exception:
            _logger.exception("readyz failed")
            look.reasons = ["the consumers cannot be read"]
        finally:
            connections.close_all()
            with self._lock:
                self._running = None
            look.done.set()


readiness: Final = Readiness()


def _databases() -> list[str]:
    return [reason for alias in connections for reason in [_database(alias)] if reason]


def _database(alias: str) -> str:
    try:
        applied = MigrationRecorder(connections[alias]).applied_migrations()
    except (DatabaseError, InterfaceError):
        return f"the database {alias!r} does not answer"
    return "" if _newest() <= applied.keys() else f"the database {alias!r} is not migrated"


@cache
def _newest() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())


def _consumers() -> list[str]:
    return [
        f"{status.name} was stopped by an error at position {status.error.position}"
        for status in statuses()
        if status.error is not None
    ]
