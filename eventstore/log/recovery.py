"""After an append whose connection was lost once it was sent: look for what it recorded, and never send it again."""

import time

from django.db import DatabaseError, InterfaceError
from django.db.backends.base.base import BaseDatabaseWrapper

from eventstore.errors import OutcomeUnknown
from eventstore.log import postgresql
from eventstore.log.append_call import Rows
from eventstore.log.reads import read_batch, read_stream
from eventstore.records import RecordedEvent

_LOOKS = 7


def look_for(
    append_id: str, rows: Rows, connection: BaseDatabaseWrapper, error: Exception
) -> tuple[RecordedEvent, ...]:
    """Return what the append recorded, durable, as seen on a new connection; OutcomeUnknown where it is not there.

    What is there is certain. What is not there may still come, from a server process that has not noticed or from
    another server that took over; so it is looked for until the old process has ended, a few seconds at most.
    """
    backend_pid = postgresql.backend_of(connection)
    connection.close()
    for look in range(_LOOKS):
        try:
            connection.ensure_connection()
            ended = postgresql.has_ended(connection, backend_pid)
            found = _with_append_id(append_id, rows, connection.alias)
            if found:
                postgresql.barrier(connection)
                return found
            if ended:
                break
        except (DatabaseError, InterfaceError):
            connection.close()
        time.sleep(0.05 * 2**look)
    raise OutcomeUnknown(append_id) from error


def _with_append_id(append_id: str, rows: Rows, using: str) -> tuple[RecordedEvent, ...]:
    stream_id = rows.event_streams[0]
    number = len(rows.event_streams)
    newest = max(offset for offset in range(number) if rows.event_streams[offset] == stream_id)
    for event in read_stream(stream_id, backwards=True, batch_size=100, using=using):
        if event.metadata.get("append_id") == append_id:
            first = event.position - newest
            return tuple(read_batch(from_position=first, up_to=first + number - 1, limit=number, using=using))
        if event.version <= rows.expected[rows.stream_indexes[0] - 1]:
            break
    return ()
