"""Inserts imported events as they were recorded; the triggers of the log check each row once more."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from eventstore.errors import CannotImport
from eventstore.log.append_sqlite import INSERT
from eventstore.log.reads import COLUMNS
from eventstore.records import RecordedEvent

_COPY = f"COPY eventstore_event ({COLUMNS}) FROM STDIN"
_VERSIONS_POSTGRESQL = (
    "SELECT stream_id, max(version) FROM eventstore_event WHERE stream_id = ANY(%s) GROUP BY stream_id"
)
_VERSIONS_SQLITE = (
    "SELECT stream_id, max(version) FROM eventstore_event WHERE stream_id IN (SELECT value FROM json_each(%s))"
    " GROUP BY stream_id"
)
_MAY_INSERT = "SELECT has_table_privilege('eventstore_event', 'INSERT')"


def prepare(using: str) -> None:
    """Make the open transaction fit for a long import; raises CannotImport unless this role owns the log."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(_MAY_INSERT)
        if not cursor.fetchone()[0]:
            raise CannotImport("this role may not insert events: import as the owner of the tables, as for migrate")
        # Nobody else can use an empty log meanwhile, and the file may come through a slow pipe.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def versions_of(streams: Sequence[str], using: str) -> dict[str, int]:
    """Return the version of each stream that has events."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_VERSIONS_POSTGRESQL, [list(streams)])
        else:
            cursor.execute(_VERSIONS_SQLITE, [json.dumps(list(streams))])
        return dict(cursor.fetchall())


def insert(events: Sequence[RecordedEvent], using: str) -> None:
    """Insert events whose moments are in UTC."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        _copy(events, connection)
        return
    with connection.cursor() as cursor:
        cursor.executemany(INSERT, [(*event[:-1], _sqlite_moment(event)) for event in events])


def _copy(events: Sequence[RecordedEvent], connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        opened: Any = cursor.cursor  # Django's wrapper has no copy
        with connection.wrap_database_errors, opened.copy(_COPY) as copy:
            for event in events:
                copy.write_row(event)


def _sqlite_moment(event: RecordedEvent) -> str:
    return event.recorded_at.replace(tzinfo=None).isoformat(" ", "microseconds")
