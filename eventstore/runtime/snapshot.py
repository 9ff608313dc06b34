"""Reads that see the database at one moment and hold up no writer."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, transaction


@contextmanager
def snapshot(using: str) -> Iterator[None]:
    """Read one state of a database until the end of the block; writers do not wait."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with transaction.atomic(using=using), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # The transaction locks nothing, and one long stream may leave this connection idle for a while.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield
        return
    # On SQLite, Django's transactions are immediate: each holds the only write lock.
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
