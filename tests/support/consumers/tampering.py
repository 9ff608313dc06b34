"""What must never happen to a log, done to one of a test's own with its triggers out of the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.db.backends.utils import CursorWrapper


@contextmanager
def unguarded() -> Iterator[CursorWrapper]:
    """Let the log be changed; its database is of no use to another test."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE eventstore_event DISABLE TRIGGER USER")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'eventstore_event'")
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')
        yield cursor


def delete_event(position: int) -> None:
    """Leave a hole."""
    with unguarded() as cursor:
        cursor.execute("DELETE FROM eventstore_event WHERE position = %s", [position])


def forget_events_after(position: int) -> None:
    """Restore an older log."""
    with unguarded() as cursor:
        cursor.execute("DELETE FROM eventstore_event WHERE position > %s", [position])


def record_at_another_moment(position: int) -> None:
    """Put another event in the place of one: as after a crash, or in another store."""
    with unguarded() as cursor:
        cursor.execute("SELECT recorded_at FROM eventstore_event WHERE position = %s", [position])
        moment = cursor.fetchone()[0]
        other = moment + timedelta(microseconds=1)
        cursor.execute("UPDATE eventstore_event SET recorded_at = %s WHERE position = %s", [other, position])
