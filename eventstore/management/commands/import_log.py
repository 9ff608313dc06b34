"""Reads a file of export_log into an empty log."""

from typing import Any

from django.core.management.base import CommandParser

from eventstore.management.base import ConsoleCommand
from eventstore.management.progress import ProgressDisplay
from eventstore.moving.files import read
from eventstore.moving.importing import import_log


class Command(ConsoleCommand):
    """Import a log, all of it or nothing; what is wrong with a line is one message that names the line."""

    help = "Reads a file of export_log into a new database: all of it, or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file's name."""
        parser.add_argument("file", help="a file of export_log, compressed or not; - is standard input")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import it."""
        with ProgressDisplay("import_log", "events") as display, read(options["file"]) as file:
            footer = import_log(file, display.update)
        self.stdout.write(
            f"{footer.events} events, {footer.idempotency_keys} idempotency keys, {footer.process_managers} process"
            f" managers, {footer.operator_actions} operator actions; SHA-256 {footer.sha256}"
        )
