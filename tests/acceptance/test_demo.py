"""The demonstration prints the same in every run, and uses only a database of its own."""

import os
import shutil
from pathlib import Path

import pytest
from django.conf import settings

from processmanagers.management.commands.demo import _is_beside_the_named_database, _make_room
from tests.support import processes
from tests.support.demonstration import GOLDEN, demonstration

pytestmark = pytest.mark.one_database  # it has one of its own, on SQLite


def test_the_demonstration_prints_the_same_ids_and_figures_in_every_run() -> None:
    assert demonstration().output == GOLDEN.read_text()


def test_the_demonstration_replaces_the_database_of_an_earlier_one(tmp_path: Path) -> None:
    database = tmp_path / "demo.sqlite3"
    files = [database, tmp_path / "demo.sqlite3-wal", tmp_path / "demo.sqlite3-shm"]
    shutil.copyfile(demonstration().database, database)
    for file in files:
        file.touch()
    _make_room(database)
    assert not any(file.exists() for file in files)


def test_the_demonstration_replaces_only_its_own_file_and_creates_no_folder(tmp_path: Path) -> None:
    books, nowhere = tmp_path / "books.sqlite3", tmp_path / "nowhere" / "demo.sqlite3"
    books.write_text("of another program")
    for file, reason in (
        (books, "it exists and no demonstration made it, so it is not replaced"),
        (nowhere, f"there is no folder {nowhere.parent}"),
    ):
        done = processes.run(processes.manage("demo", "--database", str(file)), os.environ, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"CommandError: --database {file}: {reason}\n"
    assert books.read_text() == "of another program"
    assert not nowhere.parent.exists()


def test_a_database_that_the_demonstration_does_not_use_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, other = tmp_path / "named.sqlite3", tmp_path / "demo.sqlite3"
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(named))
    for is_named, path, expected in ((True, other, True), (True, named, False), (False, other, False)):
        monkeypatch.setattr(settings, "DATABASE_IS_NAMED", is_named)
        assert _is_beside_the_named_database(path) is expected
