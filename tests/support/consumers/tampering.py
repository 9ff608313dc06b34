"""Damages the log of a test's own database, with its triggers out of the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.db.backends.utils import CursorWrapper

from tests.support.databases import connected_as
from tests.support.postgres.roles import OWNER


@contextmanager
def unguarded() -> Iterator[CursorWrapper]:
    """Remove the triggers, as the owner of the tables; the database is of no use to another test."""
    with connected_as(OWNER), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE eventstore_event DISABLE TRIGGER USER")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'eventstore_event'")
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')
        yield cursor


def delete_event(position: int) -> None:
    """Delete one event, which leaves a hole."""
    with unguarded() as cursor:
        cursor.execute("DELETE FROM eventstore_event WHERE position = %s", [position])


def forget_events_after(position: int) -> None:
    """Delete the newest events, as a restored backup does."""
    with unguarded() as cursor:
        cursor.execute("DELETE FROM eventstore_event WHERE position > %s", [position])


def record_at_another_moment(position: int) -> None:
    """Change when an event was recorded, as if another event had its position."""
    with unguarded() as cursor:
        cursor.execute("SELECT recorded_at FROM eventstore_event WHERE position = %s", [position])
        moment = cursor.fetchone()[0]
        other = moment + timedelta(microseconds=1)
        cursor.execute("UPDATE eventstore_event SET recorded_at = %s WHERE position = %s", [other, position])
