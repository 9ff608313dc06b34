"""The command that makes a projector's read model anew."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from eventstore.consumers.rebuild import delete_garbage, rebuild_of, run
from eventstore.management.base import ConsoleCommand
from eventstore.management.progress import Showing
from eventstore.management.running import add_batch_size, batch_size, operator
from eventstore.runtime.outages import Reconnecting
from eventstore.runtime.shutdown import Stop


class Command(ConsoleCommand):
    """Rebuild a read model while the old one answers queries."""

    help = "Makes a read model and those of its group anew from the first event, then lets them answer queries."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the name and the options."""
        parser.add_argument("name", help="the projector; its whole group is rebuilt")
        parser.add_argument("--retry-skipped", action="store_true", help="handle the events that operators skipped")
        add_batch_size(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Rebuild it."""
        name = options["name"]
        rebuild = rebuild_of(name, batch_size(options))
        retry_skipped: bool = options["retry_skipped"]
        stop = Stop()
        reconnecting = Reconnecting(stop, self.stderr.write)
        with stop.on_signals(), Showing(f"rebuild_projector {name}", "events") as showing:
            reconnecting.until_done(lambda: delete_garbage(rebuild.group, stop))
            begun = reconnecting.until_done(
                lambda: rebuild.begin_as(name, actor=operator(), retry_skipped=retry_skipped)
            )
            if begun is False:
                self.stderr.write(f"{rebuild.label}: continuing the rebuild that was begun before")
            if not run(rebuild, stop, showing.at, self.stderr.write):
                raise CommandError(
                    f"{name} is not rebuilt yet: interrupted. Run rebuild_projector {name} again to continue."
                )
            reconnecting.until_done(lambda: delete_garbage(rebuild.group, stop))
        self.stdout.write(f"{', '.join(rebuild.group.names)}: rebuilt")
