"""The file of an SQLite database: no connection makes one, and a fault names the file and its remedy."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.db import DEFAULT_DB_ALIAS, connections

from eventstore.runtime.outages import causes

READ_ONLY: Final = "let this user write to it and to its folder, on a disk that takes changes, and without mode=ro"
"""What an operator can do whose file can only be read."""
_FAULTS: Final = {
    sqlite3.SQLITE_READONLY_DBMOVED: ("was moved or removed", "put it back, or name another file"),
    sqlite3.SQLITE_READONLY: ("can only be read", READ_ONLY),
    sqlite3.SQLITE_IOERR: ("could not be read or written", "look at its disk"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "restore a backup"),
    sqlite3.SQLITE_FULL: ("is on a disk that is full", "make room there"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "let this user read and write it and its folder"),
    sqlite3.SQLITE_NOTADB: ("is not an SQLite database", "name another file, or restore a backup"),
}


@dataclass(frozen=True, slots=True)
class FileFault:
    """What is wrong with the file of a database, and what to do; the file is one of several if the error names none."""

    files: tuple[Path, ...]
    fault: str
    remedy: str

    def __str__(self) -> str:
        """Return one sentence for an operator."""
        files = " or ".join(f"the file {file}" for file in self.files)
        return f"{files} {self.fault}: {self.remedy}"


class MissingFile(sqlite3.OperationalError):
    """The file of a database does not exist."""

    def __init__(self, file: Path) -> None:
        self.fault = _missing(file)
        self.sqlite_errorcode, self.sqlite_errorname = sqlite3.SQLITE_CANTOPEN, "SQLITE_CANTOPEN"
        super().__init__(str(self.fault))


class ExistingFile(sqlite3.Connection):
    """A connection to a file that exists: a misspelt name makes no empty file. `manage.py migrate` makes one.

    It only looks whether the file exists. To open and close it here would end the locks that SQLite has on it.
    """

    def __init__(self, database: str, *args: Any, **options: Any) -> None:
        file = file_of(database)
        if file is not None and is_missing(file):
            raise MissingFile(file)
        super().__init__(database, *args, **options)


def file_of(name: str) -> Path | None:
    """Return the file that the name of an SQLite database means; None for a database in memory."""
    if name.startswith((":memory:", "file::memory:")) or (name.startswith("file:") and "mode=memory" in name):
        return None
    return Path(unquote(urlsplit(name).path)) if name.startswith("file:") else Path(name)


def is_missing(file: Path) -> bool:
    """Return whether a file does not exist; False for one in a folder that this user may not search."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def file_fault(error: BaseException) -> FileFault | None:
    """Return what is wrong with a file if that is why an error was raised; None for every other error."""
    errors = [one for one in causes(error) if isinstance(one, sqlite3.Error)]
    for one in errors:
        if isinstance(one, MissingFile):
            return one.fault
    codes = [code for one in errors if (code := getattr(one, "sqlite_errorcode", None)) is not None]
    code, known = next(((code, found) for code in codes if (found := _of_code(code)) is not None), (0, None))
    files = _suspects()
    if known is None or not files:
        return None
    if code & 0xFF == sqlite3.SQLITE_CANTOPEN and len(files) == 1 and is_missing(files[0]):
        return _missing(files[0])
    return FileFault(files, *known)


def _of_code(code: int) -> tuple[str, str] | None:
    return _FAULTS.get(code) or _FAULTS.get(code & 0xFF)


def _missing(file: Path) -> FileFault:
    aliases = [alias for alias, path, _ in _files() if path == file]
    option = f" --database {aliases[0]}" if aliases and DEFAULT_DB_ALIAS not in aliases else ""
    return FileFault((file,), "does not exist", f"run manage.py migrate{option}, which makes it, or name another file")


def _suspects() -> tuple[Path, ...]:
    """Return the files that may be at fault: an error names none, but a connection knows that it had one."""
    files = _files()
    of_errors = [file for _, file, had_error in files if had_error]
    return tuple(dict.fromkeys(of_errors or [file for _, file, _ in files]))


def _files() -> list[tuple[str, Path, bool]]:
    """Return the alias of each database in a file of SQLite, its file, and whether it had an error."""
    return [
        (connection.alias, file, connection.errors_occurred)
        for connection in connections.all()
        if connection.vendor == "sqlite" and (file := file_of(str(connection.settings_dict["NAME"]))) is not None
    ]
