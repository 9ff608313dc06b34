"""The command that runs projectors."""

from typing import Any

from django.core.management.base import CommandParser

from eventstore.consumers.loop import projections
from eventstore.management.base import ConsoleCommand
from eventstore.management.running import add_arguments, batch_size, follow


class Command(ConsoleCommand):
    """Keep read models up to date."""

    help = "Runs projectors in one process: they hydrate, catch up and follow the log until SIGTERM or SIGINT."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the names and the options."""
        parser.add_argument(
            "names",
            nargs="*",
            metavar="name",
            help="a projector; its whole group runs. Without a name, all projectors run",
        )
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run them."""
        followed = projections(options["names"], batch_size(options))
        follow(followed, "run_projector", once=options["once"], report=self.stderr.write)
