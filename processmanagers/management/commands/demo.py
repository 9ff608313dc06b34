"""`manage.py demo`: show every part of Daybook at work on a small portfolio, in a database of its own."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from eventstore.errors import EventStoreError
from eventstore.log.append_sqlite import FIRST_ACTOR
from eventstore.management.base import ConsoleCommand
from ledger.rules.refusals.base import Refusal
from processmanagers.demo.output import DemoFailed
from processmanagers.demo.steps import STEPS

VISITOR: Final = "demo"
"""The user who may open Books on the demonstration's database; the password is the same word."""
_ENVIRONMENT: Final = ("READ_DATABASE_URL=", "HYDRATION_DELAY=0", "HYDRATION_DELAY_ENTROPY=0")


class Command(ConsoleCommand):
    """Create a new database for the demonstration and play every step in it."""

    help = "Play a small portfolio, always the same, through every part of Daybook, in an SQLite database of its own."
    refusals: ClassVar = (EventStoreError, Refusal, DemoFailed)
    needs_database = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --database, and the option by which the command starts itself."""
        parser.add_argument(
            "--database",
            type=Path,
            default=_default_path(),
            metavar="FILE",
            help="the SQLite file, replaced by each run (default var/demo.sqlite3)",
        )
        parser.add_argument("--on-this-database", action="store_true", help="used by the command itself")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Play the steps in a process whose DATABASE_URL names the demonstration's database."""
        if options["on_this_database"]:
            self._play()
            return
        path = options["database"].resolve()
        _make_room(path)
        if _is_beside_the_named_database(path):
            self.stderr.write(f"The demonstration uses {path}, and not the database that DATABASE_URL names.")
        variables = [f"DATABASE_URL=sqlite:///{quote(str(path))}", *_ENVIRONMENT]
        command = [sys.executable, sys.argv[0], "demo", "--on-this-database"]
        if subprocess.call(["/usr/bin/env", *variables, *command]):
            raise CommandError("the demonstration failed; its last lines are above")
        shown = (
            f"$PWD/{path.relative_to(settings.BASE_DIR)}"
            if path.is_relative_to(settings.BASE_DIR)
            else quote(str(path))
        )
        self.stdout.write(
            "\nTry next, on the same database:\n"
            f"  export DEBUG=true DATABASE_URL=sqlite:///{shown}\n"
            "  .venv/bin/python manage.py consumers\n"
            "  .venv/bin/python manage.py daily_cycle --today 2026-03-07\n"
            "  .venv/bin/python manage.py run_processmanager late_fees --once\n"
            "  .venv/bin/python manage.py run_projector --once\n"
            "\nRead it in Books:\n"
            f"  DEBUG=true DATABASE_URL=sqlite:///{shown} .venv/bin/python manage.py runserver\n"
            f"Open http://127.0.0.1:8000/books/ and log in as {VISITOR} with the password {VISITOR}. Look first at\n"
            "  INV-107      type it into the search: why this invoice owes what it owes, from its events\n"
            "  Aging        as of 2026-03-03: what was owed as the date began, as known then and as known now\n"
            "  Consumers    late fees: what it has handled, and how far behind it was\n"
            "  Log          the newest event: what caused it, and the journal lines that it made"
        )

    def _play(self) -> None:
        call_command("migrate", verbosity=0)
        for number, (title, step) in enumerate(STEPS, start=1):
            self.stdout.write(f"\n{number}. {title}\n")
            step(lambda line: self.stdout.write(f"   {line}"))
            self.stdout.flush()
        # Anybody may know this password: the database contains nothing but the demonstration.
        visitor = User.objects.create_user(VISITOR, password=VISITOR)
        visitor.groups.add(Group.objects.get(name="administrator"))


def _default_path() -> Path:
    path: Path = settings.BASE_DIR / "var" / "demo.sqlite3"
    return path


def _is_beside_the_named_database(path: Path) -> bool:
    return settings.DATABASE_IS_NAMED and settings.DATABASES["default"]["NAME"] != str(path)


def _make_room(path: Path) -> None:
    """Delete the database of an earlier run; raises CommandError for a file that no demonstration made."""
    try:
        if path == _default_path():
            path.parent.mkdir(exist_ok=True)
        elif not path.parent.is_dir():
            raise CommandError(f"--database {path}: there is no folder {path.parent}")
        elif path.exists() and not _is_a_demonstration(path):
            raise CommandError(f"--database {path}: it exists and no demonstration made it, so it is not replaced")
        for old in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            old.unlink(missing_ok=True)
    except OSError as error:
        raise CommandError(f"--database {path}: {error.strerror}") from error


def _is_a_demonstration(path: Path) -> bool:
    """Return whether the first event of the SQLite file was recorded by a demonstration."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(FIRST_ACTOR).fetchall() == [("demo",)]
    except sqlite3.Error:
        return False
