"""The file of an SQLite database: no connection makes one, and a fault names the file and its remedy."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.db import connections

from eventstore.runtime.outages import causes

_MISSING: Final = ("does not exist", "run manage.py migrate, which makes it, or name another file")
_FAULTS: Final = {
    sqlite3.SQLITE_READONLY: (
        "can only be read",
        "let this user write to it and to its folder, on a disk that takes changes, and without mode=ro",
    ),
    sqlite3.SQLITE_IOERR: ("could not be read or written", "look at its disk"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "restore a backup"),
    sqlite3.SQLITE_FULL: ("is on a disk that is full", "make room there"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "let this user read and write it and its folder"),
    sqlite3.SQLITE_NOTADB: ("is not an SQLite database", "name another file, or restore a backup"),
}


@dataclass(frozen=True, slots=True)
class FileFault:
    """What is wrong with the file of a database, and what to do."""

    path: Path
    fault: str
    remedy: str

    def __str__(self) -> str:
        """Return one sentence for an operator."""
        return f"the file {self.path} {self.fault}: {self.remedy}"


class ExistingFile(sqlite3.Connection):
    """A connection to a file that exists: a misspelt name makes no empty file. `manage.py migrate` makes one.

    It only looks whether the file exists. To open and close it here would end the locks that SQLite has on it.
    """

    def __init__(self, database: str, *args: Any, **options: Any) -> None:
        path = file_of(database)
        if path is not None and not path.exists():
            error = sqlite3.OperationalError(str(FileFault(path, *_MISSING)))
            error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_CANTOPEN, "SQLITE_CANTOPEN"
            raise error
        super().__init__(database, *args, **options)


def file_of(name: str) -> Path | None:
    """Return the file that the name of an SQLite database means; None for a database in memory."""
    if name.startswith(":memory:") or "mode=memory" in name:
        return None
    return Path(unquote(urlsplit(name).path)) if name.startswith("file:") else Path(name)


def file_fault(error: BaseException) -> FileFault | None:
    """Return what is wrong with a file if that is why an error was raised; None for every other error."""
    codes = [getattr(one, "sqlite_errorcode", None) for one in causes(error) if isinstance(one, sqlite3.Error)]
    known = next((_FAULTS[code & 0xFF] for code in codes if code is not None and code & 0xFF in _FAULTS), None)
    # The error does not say of which file it is: of one that is missing, or else of the one that had an error last.
    path = next(_files(), None)
    if known is None or path is None:
        return None
    return FileFault(path, *(known if path.exists() else _MISSING))


def _files() -> Iterator[Path]:
    files = [
        (path, connection.errors_occurred)
        for connection in connections.all()
        if connection.vendor == "sqlite" and (path := file_of(str(connection.settings_dict["NAME"]))) is not None
    ]
    yield from (path for path, _ in sorted(files, key=lambda one: (one[0].exists(), not one[1])))
