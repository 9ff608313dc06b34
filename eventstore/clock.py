"""The clock that all code reads, and the clock of the database, which all machines share."""

from datetime import UTC, datetime

from django.db import connections


def utc_now() -> datetime:
    """Return this moment, in UTC."""
    return datetime.now(UTC)


def database_now(using: str = "default") -> datetime:
    """Return this moment by the database's clock; SQLite's is this machine's."""
    if connections[using].vendor != "postgresql":
        return utc_now()
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now.astimezone(UTC)
