"""Copies of a database, each for one run of a proof."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4  # noqa: TID251 - the name of a copy, which nobody reads

import psycopg
from django.db import connections
from psycopg import sql

_MAINTENANCE: Final = "postgres"
"""The database to which a connection is made that creates and drops the copies."""


@contextmanager
def copied(using: str) -> Iterator[None]:
    """Let Django work on a copy of a database until the end of the block; the copy is deleted.

    Nobody else may be connected to the database while it is copied. On PostgreSQL the user needs the right CREATEDB.
    """
    connection = connections[using]
    connection.close()
    before = connection.settings_dict["NAME"]
    with _file_copy(Path(before)) if connection.vendor == "sqlite" else _server_copy(using, before) as name:
        connection.settings_dict["NAME"] = name
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = before


@contextmanager
def _file_copy(path: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="daybook-proof-", dir=path.parent) as folder:
        copy = Path(folder) / path.name
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        yield str(copy)


@contextmanager
def _server_copy(using: str, name: str) -> Iterator[str]:
    copy = f"proof_{uuid4().hex}"
    with _server(using) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(copy), sql.Identifier(name)),
        )
        try:
            yield copy
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(copy)))


def _server(using: str) -> psycopg.Connection[Any]:
    parameters = connections[using].get_connection_params()
    for option in ("cursor_factory", "context", "dbname"):
        parameters.pop(option, None)
    return psycopg.connect(**parameters, dbname=_MAINTENANCE, autocommit=True)
