"""Publishes the seals: appends those that a file lacks, and compares those that it has."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from eventstore import store
from eventstore.management.base import ConsoleCommand
from processmanagers.proofs import published


class Command(ConsoleCommand):
    """Anchor the seals in a file that those who can write to the database cannot change."""

    help = "Appends each new seal to a file outside the database's reach, and fails if one in the file has changed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file."""
        parser.add_argument("file", help="the file of seals, one a line; it is made if it does not exist")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Append and compare."""
        path, number = Path(options["file"]), 0
        head = store.durable_head()
        try:
            known = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            with path.open("a", encoding="utf-8") as file:
                for number, event in enumerate(store.read_all(types=["DaySealed"], up_to=head), start=1):
                    line = published(event.data)
                    if number > len(known):
                        file.write(f"{line}\n")
                    elif known[number - 1] != line:
                        raise CommandError(
                            f"line {number} of {path} is not the seal of {event.data.sealed_date} that the log has now:"
                            " the log or the file was changed"
                        )
                file.flush()
                os.fsync(file.fileno())
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{path} cannot be used: {error}") from error
        if number < len(known):
            raise CommandError(f"{path} has {len(known)} seals and the log only {number}: seals were removed")
        self.stdout.write(f"seals: {number}, new: {number - len(known)}")
