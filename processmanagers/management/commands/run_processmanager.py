"""Runs one process manager until asked to end."""

from typing import Any

from django.core.management.base import CommandParser

from eventstore.consumers.loop import reaction
from eventstore.management.base import ConsoleCommand
from eventstore.management.running import add_arguments, batch_size, follow


class Command(ConsoleCommand):
    """Answer events with new events, each exactly once."""

    help = "Runs one process manager: hydrates, catches up, then follows, until SIGTERM or SIGINT."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the name and how to run."""
        parser.add_argument("name", help="the process manager; `consumers` lists them")
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run it."""
        consumer = reaction(options["name"], batch_size(options))
        follow([consumer], f"run_processmanager {options['name']}", once=options["once"], report=self.stderr.write)
