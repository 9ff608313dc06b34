"""Writes the whole log to a file, from which import_log makes the same log in another database."""

from typing import Any

from django.core.management.base import CommandParser

from eventstore.management.base import ConsoleCommand
from eventstore.management.progress import ProgressDisplay
from eventstore.moving.export import export
from eventstore.moving.files import written


class Command(ConsoleCommand):
    """Export events, idempotency keys, checkpoints of process managers, and operators' actions, as JSON lines."""

    help = "Writes the whole log to a file of JSON lines, from which import_log makes the same log elsewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file's name."""
        parser.add_argument("file", help="a new file, compressed if its name ends with .gz; - is standard output")
        parser.add_argument("--gzip", action="store_true", help="compress, whatever the file's name")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Export it."""
        with (
            ProgressDisplay("export_log", "events") as display,
            written(options["file"], compressed=options["gzip"]) as file,
        ):
            footer = export(file, display.update)
        self.stderr.write(
            f"{footer.events} events, {footer.idempotency_keys} idempotency keys, {footer.process_managers} process"
            f" managers, {footer.operator_actions} operator actions; SHA-256 {footer.sha256}"
        )
