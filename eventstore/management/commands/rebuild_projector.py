"""Rebuilds a projector's read model."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from eventstore.consumers.rebuild import delete_garbage, rebuild_runner, run
from eventstore.management.base import ConsoleCommand
from eventstore.management.progress import ProgressDisplay
from eventstore.management.running import add_batch_size, batch_size, operator
from eventstore.runtime.outages import Reconnecting
from eventstore.runtime.shutdown import Stop


class Command(ConsoleCommand):
    """Rebuild a read model while the old one answers queries."""

    help = "Rebuilds a read model and its group from the first event, and switches queries to it at the end."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the name and how to rebuild."""
        parser.add_argument("name", help="the projector; its group is rebuilt with it")
        parser.add_argument(
            "--retry-skipped", action="store_true", help="handle the events that operators have skipped"
        )
        add_batch_size(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Rebuild it."""
        name = options["name"]
        rebuild = rebuild_runner(name, batch_size(options))
        retry_skipped: bool = options["retry_skipped"]
        stop = Stop()
        reconnecting = Reconnecting(stop, self.stderr.write)
        with stop.on_signals(), ProgressDisplay(f"rebuild_projector {name}", "events") as display:
            reconnecting.until_done(lambda: delete_garbage(rebuild.group, stop))
            begun = reconnecting.until_done(lambda: rebuild.begin(name, actor=operator(), retry_skipped=retry_skipped))
            if begun is False:
                self.stderr.write(f"{rebuild.cursor.label}: continuing a rebuild that is in progress")
            if not run(rebuild, stop, display.update, self.stderr.write):
                raise CommandError(f"{name} is not rebuilt yet: interrupted; rebuild_projector {name} continues")
            reconnecting.until_done(lambda: delete_garbage(rebuild.group, stop))
        self.stdout.write(f"{', '.join(rebuild.group.names)}: rebuilt")
