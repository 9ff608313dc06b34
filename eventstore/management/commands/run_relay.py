"""`manage.py run_relay NAME`: run one relay."""

from contextlib import closing
from typing import Any

from django.core.management.base import CommandParser

from eventstore.consumers.relay_runner import relay_runner
from eventstore.management.base import ConsoleCommand
from eventstore.management.running import add_arguments, batch_size, run_loop


class Command(ConsoleCommand):
    """Run a relay, which hands events on to another system."""

    help = "Run one relay: it hands on what the receiver lacks, then follows the log until SIGTERM or SIGINT."
    needs_database = False  # run_loop waits for a database that is away

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the name, --once and --batch-size."""
        parser.add_argument("name", help="a relay; `manage.py consumers` lists them")
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run it."""
        runner = relay_runner(options["name"], batch_size(options))
        with closing(runner.relay):
            run_loop([runner], f"run_relay {options['name']}", once=options["once"], report=self.stderr.write)
