"""`manage.py run_processmanager NAME`: run one process manager."""

from typing import Any

from django.core.management.base import CommandParser

from eventstore.consumers.process_manager_runner import process_manager_runner
from eventstore.management.base import ConsoleCommand
from eventstore.management.running import add_arguments, batch_size, run_loop


class Command(ConsoleCommand):
    """Run a process manager, which answers each event exactly once."""

    help = "Run one process manager: it catches up, then follows the log until SIGTERM or SIGINT."
    needs_database = False  # run_loop waits for a database that is away

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the name, --once and --batch-size."""
        parser.add_argument("name", help="a process manager; `manage.py consumers` lists them")
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run it."""
        runner = process_manager_runner(options["name"], batch_size(options))
        run_loop([runner], f"run_processmanager {options['name']}", once=options["once"], report=self.stderr.write)
