"""The command that runs projectors."""

from typing import Any

from django.core.management.base import CommandParser

from eventstore.consumers.projector_runner import projector_runners
from eventstore.consumers.requested_rebuild import RequestedRebuild
from eventstore.management.base import ConsoleCommand
from eventstore.management.running import add_arguments, batch_size, run_loop


class Command(ConsoleCommand):
    """Keep read models up to date, and rebuild those that operators ask to be rebuilt."""

    help = "Runs projectors in one process: they hydrate, catch up and follow the log until SIGTERM or SIGINT."
    needs_database = False  # run_loop waits for a database that is away

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the names and how to run."""
        parser.add_argument("names", nargs="*", metavar="name", help="a projector, with its group; without names, all")
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run them."""
        runners = projector_runners(options["names"], batch_size(options))
        rebuilds = [RequestedRebuild(runner) for runner in runners]
        run_loop([*runners, *rebuilds], "run_projector", once=options["once"], report=self.stderr.write)
