"""A file that cannot be used as a database is named with its remedy, and no command but migrate makes one."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.db import DatabaseError, connection
from django.test import Client

import manage
from eventstore.runtime import sqlite_files
from eventstore.runtime.databases import is_read_only
from tests.support.consumers.moving import connected_to_url
from tests.support.databases import Database
from web import probes
from web.management.commands.migrate import _make

pytestmark = pytest.mark.one_database


@contextmanager
def connected_to_file(path: Path, option: str = "") -> Iterator[None]:
    with connected_to_url(f"sqlite:///{path}{option}"):
        yield


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("create_development_superuser", []),
        ("consumers", []),
        ("changepassword", ["anna"]),
        ("showmigrations", []),
        ("migrate", ["--plan"]),
        ("migrate", ["--check"]),
    ],
)
def test_no_command_makes_a_file_that_does_not_exist(
    command: str, arguments: list[str], database: Database, settings: Any, tmp_path: Path
) -> None:
    settings.DEBUG, file = True, tmp_path / "missing.sqlite3"
    with connected_to_file(file), pytest.raises((CommandError, DatabaseError)) as refused:
        call_command(command, *arguments)
    message = str(refused.value)
    assert f"the file {file}" in message
    assert "manage.py migrate" in message
    assert list(tmp_path.iterdir()) == []


def test_migrate_makes_the_file_before_it_opens_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, file = load_command_class("web", "migrate"), tmp_path / "new.sqlite3"
    monkeypatch.setattr("django.core.management.commands.migrate.Command.execute", lambda *_, **__: "migrated")
    options = {"database": "default", "plan": False, "check_unapplied": False}
    with connected_to_file(file):
        assert command.execute(**options) == "migrated"
        assert file.exists()
        file.unlink()
        monkeypatch.setattr(Path, "touch", _refused)
        with pytest.raises(CommandError, match=f"^the file {file} cannot be made: Permission denied$"):
            command.execute(**options)


def _refused(*_: Any, **__: Any) -> None:
    raise PermissionError(errno.EACCES, "Permission denied")


def test_a_file_that_is_no_database_is_named_by_commands_and_by_the_web(
    database: Database, settings: Any, tmp_path: Path
) -> None:
    file = tmp_path / "notes.sqlite3"
    file.write_text("notes, which are not a database of SQLite, and long enough to have had a header")
    fault = f"the file {file} is not an SQLite database: name another file, or restore a backup"
    client = Client(raise_request_exception=False)
    with connected_to_file(file):
        with pytest.raises(CommandError, match=f"cannot be used: file is not a database: {fault}$"):
            call_command("consumers")
        with pytest.raises(DatabaseError) as refused:
            connection.ensure_connection()
        assert manage._explained(refused.value) == f"the database failed: file is not a database: {fault}"
        for debug, page in ((False, "The log of this server names the file"), (True, f"The file {file} is not an")):
            settings.DEBUG = debug
            answer = client.get("/books/login/", secure=True)
            assert (answer.status_code, page in answer.text) == (503, True)
            assert (str(file) in answer.text) == debug
            answer = client.get("/api/companies", secure=True, headers={"Authorization": "Bearer x"})
            assert (answer.status_code, answer.json()["type"]) == (503, "database-away")
            assert (str(file) in answer.text) == debug
            reasons = client.get("/readyz", secure=True).json()["reasons"]
            assert (str(file) in reasons[0]) == debug
    assert file.read_text().startswith("notes, which")


def test_a_probe_logs_the_file_once_and_shows_it_to_nobody(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, readiness = tmp_path / "notes.sqlite3", probes.Readiness()
    file.write_text("notes, which are not a database of SQLite, and long enough to have had a header")
    with connected_to_file(file):
        for _ in range(2):
            assert readiness.examine() == (["the database 'default' does not answer"], [])
    assert [one.message for one in caplog.records] == [
        f"the file {file} is not an SQLite database: name another file, or restore a backup"
    ]


def test_migrate_refuses_a_file_that_can_only_be_read_and_makes_none(database: Database, tmp_path: Path) -> None:
    there = Path(connection.settings_dict["NAME"])
    remedy = "let this user write to it and to its folder, on a disk that takes changes, and without mode=ro"
    for file, fault in ((there, "can only be read"), (tmp_path / "new.sqlite3", "cannot be made")):
        with connected_to_file(file, "?mode=ro"), pytest.raises(CommandError) as refused:
            call_command("migrate")
        assert str(refused.value) == f"the file {file} {fault}: {remedy}"
    assert list(tmp_path.iterdir()) == []


def test_a_question_mark_in_the_name_of_a_file_begins_no_option(database: Database, tmp_path: Path) -> None:
    for option in ("ro", "memory"):
        file = tmp_path / f"a?mode={option}.sqlite3"
        with connected_to_url(f"sqlite:///{tmp_path}/a%3Fmode={option}.sqlite3"):
            assert not is_read_only("default")
            assert sqlite_files.file_of(str(connection.settings_dict["NAME"])) == file


def test_a_new_file_is_written_by_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        _make(tmp_path / "new.sqlite3", can_write=True)
    finally:
        os.umask(before)
    assert (tmp_path / "new.sqlite3").stat().st_mode & 0o777 == 0o644


def test_a_fault_names_the_file_that_may_be_at_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (ledger, read), missing = (tmp_path / name for name in ("ledger", "read")), tmp_path / "missing"
    for file in (ledger, read):
        file.touch()
    had_error: set[Path] = set()

    def among(**files: Path) -> None:
        monkeypatch.setattr(
            sqlite_files,
            "connections",
            Mock(
                all=lambda: [
                    Mock(alias=alias, vendor="sqlite", settings_dict={"NAME": file}, errors_occurred=file in had_error)
                    for alias, file in files.items()
                ]
            ),
        )

    def fault(code: int) -> str:
        error = sqlite3.DatabaseError("no file is named")
        error.sqlite_errorcode = code
        return str(sqlite_files.file_fault(error))

    among(default=ledger, read=read)
    assert fault(sqlite3.SQLITE_NOTADB).startswith(f"the file {ledger} or the file {read} is not an SQLite database: ")
    had_error = {read}
    assert fault(sqlite3.SQLITE_CORRUPT) == f"the file {read} is damaged: restore a backup"
    had_error = {ledger, read}
    assert fault(sqlite3.SQLITE_CORRUPT) == f"the file {ledger} or the file {read} is damaged: restore a backup"
    had_error = {ledger}
    among(default=ledger, read=missing)
    assert fault(sqlite3.SQLITE_CORRUPT) == f"the file {ledger} is damaged: restore a backup"
    had_error = {missing}
    remedy = "run manage.py migrate --database read, which makes it, or name another file"
    assert fault(sqlite3.SQLITE_CANTOPEN) == f"the file {missing} does not exist: {remedy}"
    with pytest.raises(sqlite3.OperationalError, match=f"{remedy}$") as refused:
        sqlite_files.ExistingFile(str(missing))
    had_error = {ledger}
    assert sqlite_files.file_fault(refused.value) == sqlite_files.FileFault((missing,), "does not exist", remedy)


def test_a_file_that_can_only_be_read_is_named_by_commands_that_write(
    database: Database, settings: Any, tmp_path: Path
) -> None:
    settings.DEBUG, file, invoices = True, Path(connection.settings_dict["NAME"]), tmp_path / "invoices.csv"
    invoices.write_text(
        "customerID,invoiceNumber,InvoiceDate,DueDate,SettledDate,InvoiceAmount\na,1,01/01/2024,09/01/2024,,1\n"
    )
    fault = f"attempt to write a readonly database: the file {file} can only be read: let this user write to it"
    with connected_to_file(file, "?mode=ro"):
        with pytest.raises(CommandError, match=f"^the database failed: {fault}"):
            call_command("create_development_superuser")
        with pytest.raises(CommandError, match=f"^the database failed; run the import again to go on: {fault}"):
            call_command("import_receivables", str(invoices), yes=True)


def test_an_error_that_is_not_of_a_file_has_no_file() -> None:
    assert sqlite_files.file_fault(DatabaseError("syntax error")) is None
    assert sqlite_files.file_of(":memory:") is sqlite_files.file_of("file:x?mode=memory&cache=shared") is None
    assert sqlite_files.file_of("file:///a%20b/c.sqlite3?mode=ro&immutable=1") == Path("/a b/c.sqlite3")
