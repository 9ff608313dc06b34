"""Counts what a block sends to the database; on PostgreSQL, as libpq itself shows it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg import pq

_STATEMENT: Final = (b"Execute", b"Query")
_WAIT: Final = (b"Sync", b"Query")


@dataclass(slots=True)
class Sent:
    """How many statements a block has sent, and how often it has waited for the server, once it has ended."""

    statements: int = 0
    waits: int = 0


@contextmanager
def sent() -> Iterator[Sent]:
    """Yield what is counted; on SQLite only the statements that read."""
    counted = Sent()
    if connection.vendor == "sqlite":
        with CaptureQueriesContext(connection) as captured:
            yield counted
        counted.statements = len([query for query in captured if query["sql"].lstrip().startswith("SELECT")])
        return
    with tempfile.TemporaryFile() as trace:
        pgconn = connection.connection.pgconn
        pgconn.trace(trace.fileno())
        pgconn.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield counted
        finally:
            pgconn.untrace()
        trace.seek(0)
        messages = [line[2].strip() for line in (line.split(b"\t") for line in trace) if line[0] == b"F"]
        counted.statements = sum(message in _STATEMENT for message in messages)
        counted.waits = sum(message in _WAIT for message in messages)
