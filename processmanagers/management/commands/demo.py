"""Shows the whole machine at work on a small portfolio, on a database of its own."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from eventstore.errors import EventStoreError
from eventstore.management.base import ConsoleCommand
from ledger.rules.refusals.base import Refusal
from processmanagers.demo.scenes import SCENES
from processmanagers.demo.telling import DemoFailed


class Command(ConsoleCommand):
    """Make the demonstration's database anew and play every scene in it."""

    help = "Plays a made-up portfolio, always the same, through the whole machine, on an SQLite database of its own."
    refusals: ClassVar = (EventStoreError, Refusal, DemoFailed)
    needs_database = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where the database is to be."""
        default = settings.BASE_DIR / "var" / "demo.sqlite3"
        parser.add_argument(
            "--database", type=Path, default=default, metavar="FILE", help="made anew; var/demo.sqlite3"
        )
        parser.add_argument("--on-this-database", action="store_true", help="used by the command itself")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Play it, in a process whose DATABASE_URL is that of the demonstration."""
        if options["on_this_database"]:
            self._play()
            return
        path = options["database"].resolve()
        usual = settings.BASE_DIR / "var" / "demo.sqlite3"
        if path == usual:
            path.parent.mkdir(exist_ok=True)
        elif not path.parent.is_dir():
            raise CommandError(f"--database {path}: there is no folder {path.parent}")
        elif path.exists() and not _is_a_demonstration(path):
            raise CommandError(f"--database {path}: it exists and no demonstration made it, so it is not replaced")
        for old in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            old.unlink(missing_ok=True)
        surroundings = [
            f"DATABASE_URL=sqlite:///{path}",
            "READ_DATABASE_URL=",
            "HYDRATION_DELAY=0",
            "HYDRATION_DELAY_ENTROPY=0",
        ]
        command = [sys.executable, sys.argv[0], "demo", "--on-this-database"]
        if subprocess.call(["/usr/bin/env", *surroundings, *command]):
            raise CommandError("the demonstration failed; what it saw is above")
        relative = path.is_relative_to(settings.BASE_DIR) and path.relative_to(settings.BASE_DIR)
        self.stdout.write(
            "\nTry next, on the same database:\n"
            f"  export DEBUG=true DATABASE_URL=sqlite:///{f'$PWD/{relative}' if relative else path}\n"
            "  .venv/bin/python manage.py consumers\n"
            "  .venv/bin/python manage.py daily_cycle --today 2026-03-07\n"
            "  .venv/bin/python manage.py run_processmanager late_fees --once"
        )

    def _play(self) -> None:
        call_command("migrate", verbosity=0)
        for number, (title, scene) in enumerate(SCENES, start=1):
            self.stdout.write(f"\n{number}. {title}\n")
            scene(lambda line: self.stdout.write(f"   {line}"))
            self.stdout.flush()


def _is_a_demonstration(path: Path) -> bool:
    """Tell by the first event, for what is found here is deleted."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT actor FROM eventstore_event WHERE position = 1").fetchall() == [("demo",)]
    except sqlite3.Error:
        return False
