"""Exports and imports logs within the test's process, and writes lines that are wrong but have right checks."""

import gzip
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import environ
from django.db import connections

import settings as daybook
from eventstore.moving.export import export
from eventstore.moving.files import decompressed
from eventstore.moving.importing import import_log
from eventstore.moving.lines import LineReader, LineWriter
from eventstore.payloads.canonical import canonical_value
from tests.support.databases import connected_as, forget
from tests.support.postgres.roles import OWNER

Edit = Callable[[list[dict[str, Any]]], None]


def exported() -> bytes:
    """Return the export of the log to which Django is connected."""
    file = io.BytesIO()
    export(file, lambda _done, _total: None)
    return file.getvalue()


def imported(content: bytes) -> None:
    """Import an export into the log to which Django is connected, as its owner."""
    with connected_as(OWNER):
        import_log(decompressed(io.BufferedReader(io.BytesIO(content))), lambda _done, _total: None)


def edited(content: bytes, edit: Edit) -> bytes:
    """Return an export whose lines were edited, with checks and a footer that fit them."""
    lines = [json.loads(text) for text, _ in LineReader(io.BytesIO(content))]
    edit(lines)
    file = io.BytesIO()
    writer = LineWriter(file)
    for line in lines:
        if line.get("kind") == "footer":
            line["sha256"] = writer.hash.digest
        writer.write(canonical_value(line))
    return file.getvalue()


def compressed(content: bytes) -> bytes:
    """Return it compressed."""
    return gzip.compress(content)


@contextmanager
def connected_to_url(url: str) -> Iterator[None]:
    """Connect Django to a database of either vendor, with all the settings that such a database gets."""
    before = connections.settings["default"]
    config = daybook._database({"OPTIONS": {}} | environ.Env.db_url_config(url))
    _connect({**before, **config})
    try:
        yield
    finally:
        _connect(before)


def _connect(config: dict[str, Any]) -> None:
    connections["default"].close()
    del connections["default"]
    connections.settings["default"] = config
    forget()
