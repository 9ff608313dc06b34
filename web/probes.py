"""/healthz says that this process is alive; /readyz says whether it can work."""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from functools import cache
from threading import Event, Lock, Thread
from typing import Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_safe

from eventstore import store
from eventstore.consumers.status import DATABASE, Status, statuses
from eventstore.log import replica
from eventstore.runtime.databases import own_databases
from eventstore.runtime.session_settings import broken_guarantees
from eventstore.runtime.sqlite_files import file_fault
from ledger.fee_lag import fee_lag
from web.durable_answers import FOR_PEOPLE, page
from web.protocol import problem_kinds, problems
from web.protocol.problems import Problem

PATIENCE_S: Final = 2
"""/readyz waits this long for the databases."""
MOST_DATES_BEHIND: Final = 1
"""While a date's fees are being computed, late_fees is one date behind."""
_LONG_HELD_S: Final = 1.0
"""An append holds its lock for milliseconds."""
_RETRY_AFTER_S: Final = 5
_AWAY: Final = "the database {!r} does not answer"
_NOT_MIGRATED: Final = "the database {!r} is not migrated"
_logger = logging.getLogger(__name__)


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer that this process is alive, without asking anything else."""
    return JsonResponse({"status": "alive"})


@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Answer whether this server can work: its databases answer and are migrated, and no error stopped a consumer.

    What commands work without is a warning: a server of the read models or a replica that is away, and late fees.
    """
    reasons, warnings = readiness.examine()
    shown = {"warnings": warnings} if warnings else {}
    if reasons:
        content = {"status": "not ready", "reasons": reasons, **shown}
        return JsonResponse(content, status=503, headers={"Retry-After": str(_RETRY_AFTER_S)})
    return JsonResponse({"status": "ready", **shown})


class _Examination:
    """One examination of the databases; requests that come meanwhile wait for it."""

    def __init__(self) -> None:
        self.began, self.done = time.monotonic(), Event()
        self.reasons: list[str] = []
        self.warnings: list[str] = []
        self.file_faults: list[str] = []
        self.asking = DEFAULT_DB_ALIAS

    def so_far(self) -> tuple[list[str], list[str]]:
        """Return what is known after PATIENCE_S, while a database does not answer."""
        if self.asking == DEFAULT_DB_ALIAS:
            return [f"no database has answered within {PATIENCE_S} s"], []
        return self.reasons, [*self.warnings, f"the database {self.asking!r} has not answered within {PATIENCE_S} s"]


class Readiness:
    """Examines the databases in a thread of its own, one at a time; a database that hangs cannot hang the server."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: _Examination | None = None
        self._logged: list[str] = []

    def examine(self) -> tuple[list[str], list[str]]:
        """Return what is not ready and what else is wrong, after PATIENCE_S at the latest."""
        with self._lock:
            examination = self._running
            if examination is None:
                examination = self._running = _Examination()
                Thread(target=self._examine, args=[examination], name="readyz", daemon=True).start()
        if examination.done.wait(max(0.0, examination.began + PATIENCE_S - time.monotonic())):
            return examination.reasons, examination.warnings
        return examination.so_far()

    def _examine(self, examination: _Examination) -> None:
        try:
            away = _away(examination)
            # What is known of files and sessions is for the operator's log, and not for everybody who may probe.
            logged = examination.file_faults
            if not examination.reasons:
                consumers = [] if away else statuses()
                examination.reasons += _consumer_faults(consumers)
                examination.warnings += _append_lock_faults() + _late_fee_faults() + _outages(consumers)
                logged = logged + examination.warnings + _session_faults(away)
            if logged or not examination.reasons:
                self._log(logged)
        except Exception:
            _logger.exception("readyz failed")
            examination.reasons = ["the consumers cannot be read"]
        finally:
            connections.close_all()
            with self._lock:
                self._running = None
            examination.done.set()

    def _log(self, warnings: list[str]) -> None:
        """Log warnings when they change, not at each probe."""
        if warnings != self._logged:
            self._logged = warnings
            for warning in warnings:
                _logger.warning("%s", warning)


readiness: Final = Readiness()


class UnmigratedMiddleware:
    """Answers 503 with the reason instead of 500 while a database lacks migrations."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer; look at the migrations only if the answer would be 500."""
        response = self._get_response(request)
        if response.status_code != problems.SERVER_ERROR_STATUS:
            return response
        try:
            aliases = unmigrated_databases()
        except Exception:  # noqa: BLE001 - the error that is answered already is the one that matters
            return response
        if not aliases:
            return response
        reasons = ", ".join(map(_NOT_MIGRATED.format, aliases))
        title, remedy = f"{reasons[:1].upper()}{reasons[1:]}.", problem_kinds.NOT_MIGRATED.remedy
        if request.path_info.startswith(FOR_PEOPLE):
            return page(title, remedy, _RETRY_AFTER_S)
        detail = f"{title} {remedy}"
        headers = {"Retry-After": str(_RETRY_AFTER_S)}
        return Problem(problem_kinds.NOT_MIGRATED, detail, headers=headers).response()


def _away(examination: _Examination) -> list[str]:
    """Note the fault of each database, and return those that do not answer."""
    away = []
    for alias in own_databases():
        examination.asking = alias
        fault, file = _database_fault(alias)
        examination.file_faults += [file] if file else []
        if fault.startswith(_AWAY.format(alias)):
            away.append(alias)
            if alias != DEFAULT_DB_ALIAS:
                examination.warnings.append(f"{fault}: commands work without the read models, and their queries fail")
                continue
        examination.reasons += [fault] if fault else []
    if settings.LOG_REPLICA:
        examination.asking = settings.LOG_REPLICA
        examination.warnings += _replica_faults()
    examination.asking = DEFAULT_DB_ALIAS
    return away


def _replica_faults() -> list[str]:
    state = replica.examine()
    return (
        [] if state is None or not state.fault else [f"the primary is read instead of the log's replica: {state.fault}"]
    )


def unmigrated_databases() -> list[str]:
    """Return the databases that answer but lack migrations."""
    return [alias for alias in own_databases() if _database_fault(alias)[0] == _NOT_MIGRATED.format(alias)]


def _database_fault(alias: str) -> tuple[str, str]:
    """Return what is wrong with a database, and with its file, which only DEBUG shows to everybody who may probe."""
    try:
        applied = MigrationRecorder(connections[alias]).applied_migrations()
    except (DatabaseError, InterfaceError) as error:
        found = file_fault(error)
        file = "" if found is None else str(found)
        return _AWAY.format(alias) + (f": {file}" if file and settings.DEBUG else ""), file
    return "" if _newest_migrations() <= applied.keys() else _NOT_MIGRATED.format(alias), ""


@cache
def _newest_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())


def _append_lock_faults() -> list[str]:
    holder = store.append_lock_holder(longer_than_s=_LONG_HELD_S)
    return [holder] if holder else []


def _session_faults(away: Collection[str]) -> list[str]:
    return [fault for alias in own_databases() if alias not in away for fault in broken_guarantees(alias)]


def _late_fee_faults() -> list[str]:
    lag = fee_lag()
    return [] if lag is None or lag.dates <= MOST_DATES_BEHIND else [str(lag)]


def _outages(consumers: Sequence[Status]) -> list[str]:
    return [f"{status.name} waits for the database" for status in consumers if status.waiting_for == DATABASE]


def _consumer_faults(consumers: Sequence[Status]) -> list[str]:
    return [
        f"{status.name} was stopped by an error at position {status.error.position}"
        for status in consumers
        if status.error is not None
    ]
