"""Runs projectors until asked to end."""

from typing import Any

from django.core.management.base import CommandParser

from eventstore.consumers.loop import projections
from eventstore.management.base import ConsoleCommand
from eventstore.management.running import add_arguments, batch_size, follow


class Command(ConsoleCommand):
    """Keep read models up to date."""

    help = "Runs projectors, in one process: they hydrate, catch up, then follow, until SIGTERM or SIGINT."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the names and how to run."""
        parser.add_argument("names", nargs="*", metavar="name", help="a projector, with those tied to it; none: all")
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run them."""
        followed = projections(options["names"], batch_size(options))
        follow(followed, "run_projector", once=options["once"], report=self.stderr.write)
