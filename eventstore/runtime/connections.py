"""The database connections of a process that runs for a long time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connections

_SQLITE_WAIT_S: Final = 2
"""A process that can be asked to end waits this long for SQLite's lock at a time: nothing can interrupt that wait."""


@contextmanager
def short_sqlite_waits() -> Iterator[None]:
    """Let connections that are opened within the block wait only briefly for SQLite's lock at a time."""
    options = [one.settings_dict["OPTIONS"] for one in connections.all() if one.vendor == "sqlite"]
    before = [dict(one) for one in options]
    close_connections()
    for one in options:
        one["timeout"] = min(one.get("timeout", _SQLITE_WAIT_S), _SQLITE_WAIT_S)
    try:
        yield
    finally:
        close_connections()
        for one, old in zip(options, before, strict=True):
            one.update(old)


def close_connections() -> None:
    """Close this thread's connections; the next query opens new ones."""
    for connection in connections.all(initialized_only=True):
        connection.close()


def forget_errors() -> None:
    """Let connections remember only errors from now on; Django keeps in each whether one occurred."""
    for connection in connections.all(initialized_only=True):
        connection.errors_occurred = False


def forget_statements() -> None:
    """Drop the statements that Django keeps under DEBUG; they would fill the memory."""
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()
