"""One connection to PostgreSQL: what it has prepared, and whether a commit on it waited for the synchronous standby.

# Note [A cancelled wait for the standby is no error]
PostgreSQL commits on its own disk first and then waits for the synchronous standby. If this wait is cancelled, by hand
or by statement_timeout, the statement succeeds all the same, with a warning that the standby may not have the commit.
So each append, each barrier and each commit of an append looks for this warning.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import psycopg
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import pq
from psycopg.errors import Diagnostic

_WAITS_FOR_STANDBY: Final = "SyncRepWaitForLSN"
"""The function of PostgreSQL that raises the warning. Its text depends on the language of the server."""

_ATTRIBUTE: Final = "_eventstore_session"


class Session:
    """The state of one connection: its server process, its prepared statements and their uses, and how it appends.

    `early_left` counts down the appends after contention that release the lock early without trying it first.
    `cancelled_waits` counts the commits whose wait for the synchronous standby was cancelled.
    """

    __slots__ = ("backend_pid", "cancelled_waits", "early_left", "prepared", "uses")

    def __init__(self, raw: "psycopg.Connection[Any]") -> None:
        self.backend_pid = raw.pgconn.backend_pid
        self.early_left = self.cancelled_waits = 0
        self.prepared: set[bytes] = set()
        self.uses: Counter[bytes] = Counter()
        raw.add_notice_handler(self._notice)

    def _notice(self, notice: Diagnostic) -> None:
        if notice.source_function == _WAITS_FOR_STANDBY:
            self.cancelled_waits += 1


def session_of(connection: BaseDatabaseWrapper) -> Session:
    """Return the state of the open connection, which keeps it as an attribute: each append asks for it."""
    kept = vars(connection.connection)
    session: Session | None = kept.get(_ATTRIBUTE)
    if session is None:
        session = kept[_ATTRIBUTE] = Session(connection.connection)
    return session


def begin(connection: BaseDatabaseWrapper) -> None:
    """Begin the transaction of `atomic()` if no statement has begun it yet."""
    raw = connection.connection
    if not raw.autocommit and raw.pgconn.transaction_status == pq.TransactionStatus.IDLE:
        with psycopg.Cursor(raw) as cursor:
            cursor.execute("SELECT 1")


def prepare(connection: BaseDatabaseWrapper, name: bytes, sql: bytes, types: Sequence[int]) -> None:
    """Prepare a statement under a name, unless the session has it; raises psycopg's errors."""
    session, raw = session_of(connection), connection.connection
    if name not in session.prepared:
        with raw.lock:
            result = raw.pgconn.prepare(name, sql, types)
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise error_of(result, raw)
        session.prepared.add(name)


def error_of(result: pq.abc.PGresult, raw: "psycopg.Connection[Any]") -> psycopg.Error:
    """Return psycopg's error of a failed statement."""
    message = result.get_error_message(raw.info.encoding).strip()
    state = result.error_field(pq.DiagnosticField.SQLSTATE)
    if state is None:
        return psycopg.OperationalError(message or "the connection was lost")
    with contextlib.suppress(KeyError):
        return psycopg.errors.lookup(state.decode())(message)
    return psycopg.DatabaseError(message)


def check_at_commit(connection: BaseDatabaseWrapper, error: Callable[[], Exception]) -> None:
    """Let the commit of the open `atomic()` raise an error if its wait for the synchronous standby is cancelled.

    See Note [A cancelled wait for the standby is no error].
    """
    if not connection.in_atomic_block:
        return
    session = session_of(connection)
    before = session.cancelled_waits

    def check() -> None:
        if session.cancelled_waits != before:
            raise error()

    transaction.on_commit(check, using=connection.alias)
