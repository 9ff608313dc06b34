"""After an append outside a transaction has failed: find what it recorded; never send it again."""

import contextlib
import logging
import time
from datetime import datetime, timedelta
from typing import Final

import psycopg
from django.db import DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import pq

from eventstore.errors import NotDurable, OutcomeUnknown
from eventstore.log import append_postgresql
from eventstore.log.append_call import Rows
from eventstore.log.reads import read_batch, read_event, read_stream
from eventstore.records import RecordedEvent

_logger = logging.getLogger(__name__)
_LOOKS: Final = 7
_BARRIERS: Final = 3
_OLDEST: Final = timedelta(days=1)
"""An event that is older than this when the append begins was not recorded by the append, however clocks differ."""
_ERRORS: Final = (DatabaseError, InterfaceError)

Events = tuple[RecordedEvent, ...]


def find(
    append_id: str, rows: Rows, began: datetime, connection: BaseDatabaseWrapper, error: Exception
) -> Events | None:
    """Return what the append recorded, once it is durable, or None if it certainly recorded nothing.

    The error alone does not say whether the append was committed: the statement that failed may come after the commit,
    as a cancelled barrier does. Raises OutcomeUnknown if it cannot be known yet, and at once if it is recorded here but
    perhaps not on the synchronous standby.
    """
    if isinstance(error, NotDurable):
        raise OutcomeUnknown(append_id) from error
    if connection.vendor != "postgresql":
        return _with_append_id(append_id, rows, began, connection.alias) or None
    try:
        return _find(append_id, rows, began, connection, error)
    except NotDurable as not_durable:
        raise OutcomeUnknown(append_id) from not_durable


def find_after_commit(last: RecordedEvent, error: Exception, using: str) -> None:
    """Return if a transaction has recorded its last event, once that is durable, although its commit has failed.

    Raises the error if nothing was recorded: an outer transaction is still open, or SQLite has refused the commit.
    Raises OutcomeUnknown if it cannot be known yet, as after a lost connection.
    """
    connection, append_id = connections[using], last.metadata["append_id"]
    if connection.in_atomic_block or connection.vendor != "postgresql":
        raise error
    try:
        connection.close()
        found = read_event(last.position, using)
        if found is not None and found.metadata == last.metadata:  # It contains the id of this append.
            append_postgresql.barrier(connection)
            return
    except (*_ERRORS, NotDurable) as still_away:
        raise OutcomeUnknown(append_id) from still_away
    raise OutcomeUnknown(append_id) from error


def _find(
    append_id: str, rows: Rows, began: datetime, connection: BaseDatabaseWrapper, error: Exception
) -> Events | None:
    if _has_session(connection):
        try:
            found = _with_append_id(append_id, rows, began, connection.alias)
        except _ERRORS:
            return _find_on_new_session(append_id, rows, began, connection, error)
        if not found:
            _log_holder(connection, error)
            return None
        for _ in range(_BARRIERS):
            try:
                append_postgresql.barrier(connection)
            except _ERRORS:
                continue
            return found
    return _find_on_new_session(append_id, rows, began, connection, error)


def _log_holder(connection: BaseDatabaseWrapper, error: Exception) -> None:
    """Log which process holds the append lock, if the append has failed because it could not get the lock."""
    if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
        with contextlib.suppress(*_ERRORS):
            holder = append_postgresql.holder_of_lock(connection)
            _logger.error("an append did not get the append lock in time: %s", holder or "it is free now")


def _has_session(connection: BaseDatabaseWrapper) -> bool:
    """Say whether the session of the append has answered and has no open transaction."""
    raw = connection.connection
    return raw is not None and raw.pgconn.transaction_status == pq.TransactionStatus.IDLE


def _find_on_new_session(
    append_id: str, rows: Rows, began: datetime, connection: BaseDatabaseWrapper, error: Exception
) -> Events:
    """Return what the append recorded, as a new session sees it; raises OutcomeUnknown if it sees nothing.

    Events that it sees are certain. Events that it does not see may still be committed: the old server process may not
    have noticed the loss, or another server may have taken over. So it looks again until the old process has ended, for
    a few seconds at most.
    """
    backend_pid = append_postgresql.backend_of(connection)
    connection.close()
    for look in range(_LOOKS):
        try:
            connection.ensure_connection()
            ended = append_postgresql.has_ended(connection, backend_pid)
            found = _with_append_id(append_id, rows, began, connection.alias)
            if found:
                append_postgresql.barrier(connection)
                return found
            if ended:
                break
        except _ERRORS:
            connection.close()
        time.sleep(0.05 * 2**look)
    raise OutcomeUnknown(append_id) from error


def _with_append_id(append_id: str, rows: Rows, began: datetime, using: str) -> Events:
    stream_id = rows.event_streams[0]
    number = len(rows.event_streams)
    newest = max(offset for offset in range(number) if rows.event_streams[offset] == stream_id)
    for event in read_stream(stream_id, backwards=True, batch_size=100, using=using):
        if event.metadata.get("append_id") == append_id:
            first = event.position - newest
            return tuple(read_batch(from_position=first, up_to=first + number - 1, limit=number, using=using))
        if event.version <= rows.expected[rows.stream_indexes[0] - 1] or event.recorded_at < began - _OLDEST:
            break
    return ()
