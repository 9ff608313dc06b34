"""What is known of one connection to PostgreSQL, and whether a commit on it waited for the synchronous standby.

# Note [A cancelled wait for the standby is no error]
PostgreSQL commits on its own disk first and then waits for the synchronous standby. If this wait is cancelled, by hand
or by statement_timeout, the statement succeeds all the same, with a warning that the standby may not have the commit.
So each append, each barrier and each commit of an append looks for this warning.
"""

from collections.abc import Callable
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import Diagnostic

_WAITS_FOR_STANDBY: Final = "SyncRepWaitForLSN"
"""The function of PostgreSQL that raises the warning. Its text depends on the language of the server."""


class Session:
    """The state of one connection: its server process, its prepared statements, and how it appends.

    `early_left` counts down the appends after contention that release the lock early without trying it first.
    `cancelled_waits` counts the commits whose wait for the synchronous standby was cancelled.
    """

    __slots__ = ("backend_pid", "cancelled_waits", "early_left", "prepared")

    def __init__(self, raw: "psycopg.Connection[Any]") -> None:
        self.backend_pid = raw.pgconn.backend_pid
        self.early_left = self.cancelled_waits = 0
        self.prepared: set[bytes] = set()
        raw.add_notice_handler(self._notice)

    def _notice(self, notice: Diagnostic) -> None:
        if notice.source_function == _WAITS_FOR_STANDBY:
            self.cancelled_waits += 1


_sessions: WeakKeyDictionary["psycopg.Connection[Any]", Session] = WeakKeyDictionary()


def session_of(connection: BaseDatabaseWrapper) -> Session:
    """Return the state of the open connection."""
    raw = connection.connection
    session = _sessions.get(raw)
    if session is None:
        session = _sessions[raw] = Session(raw)
    return session


def check_at_commit(connection: BaseDatabaseWrapper, error: Callable[[], Exception]) -> None:
    """Let the commit of the open `atomic()` raise an error if its wait for the synchronous standby is cancelled.

    See Note [A cancelled wait for the standby is no error].
    """
    session = session_of(connection)
    before = session.cancelled_waits

    def check() -> None:
        if session.cancelled_waits != before:
            raise error()

    if connection.in_atomic_block:
        transaction.on_commit(check, using=connection.alias)
