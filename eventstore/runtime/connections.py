"""The database connections of a process that runs for a long time."""

from django.db import connections


def close_connections() -> None:
    """Close this thread's connections; the next query opens new ones."""
    for connection in connections.all(initialized_only=True):
        connection.close()


def forget_statements() -> None:
    """Drop the statements that Django keeps under DEBUG; they would fill the memory."""
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()
