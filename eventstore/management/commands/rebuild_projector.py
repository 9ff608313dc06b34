"""Rebuilds read models of projectors."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from eventstore.consumers.rebuild import RebuildRunner, delete_garbage, rebuild_runner, run, run_all
from eventstore.consumers.registry import consumers
from eventstore.management.base import ConsoleCommand, require_writable
from eventstore.management.progress import ProgressDisplay
from eventstore.management.running import add_batch_size, batch_size, operator
from eventstore.runtime.outages import Reconnecting
from eventstore.runtime.shutdown import Stop


class Command(ConsoleCommand):
    """Rebuild read models while the old ones answer queries."""

    help = "Rebuilds read models and their groups from the first event, and switches queries to them at the end."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the names and how to rebuild."""
        parser.add_argument("name", nargs="*", help="a projector; its group is rebuilt with it")
        parser.add_argument("--all", action="store_true", help="rebuild every projector; the log is read once")
        parser.add_argument(
            "--retry-skipped", action="store_true", help="handle the events that operators have skipped"
        )
        add_batch_size(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Rebuild them."""
        rebuilds = _rebuilds(options)
        require_writable({rebuild.cursor.using for rebuild in rebuilds.values()})
        what = "rebuild_projector --all" if options["all"] else f"rebuild_projector {' '.join(rebuilds)}"
        runners, stop = list(rebuilds.values()), Stop()
        reconnecting = Reconnecting(stop, self.stderr.write)
        with stop.on_signals(), ProgressDisplay(what, "events") as display:
            for name, rebuild in rebuilds.items():
                self._begin(name, rebuild, reconnecting, stop, retry_skipped=options["retry_skipped"])
            if len(runners) == 1:
                is_done = run(runners[0], stop, display.update, self.stderr.write)
            else:
                is_done = run_all(runners, stop, display.update, self.stderr.write)
            if not is_done:
                labels = ", ".join(rebuilds)
                raise CommandError(f"{labels} is not rebuilt yet: interrupted; {what} continues")
            for rebuild in runners:
                reconnecting.until_done(lambda rebuild=rebuild: delete_garbage(rebuild.group, stop))  # type: ignore[misc] # mypy infers no default of a lambda
        for rebuild in runners:
            self.stdout.write(f"{', '.join(rebuild.group.names)}: rebuilt")

    def _begin(
        self, name: str, rebuild: RebuildRunner, reconnecting: Reconnecting, stop: Stop, *, retry_skipped: bool
    ) -> None:
        reconnecting.until_done(lambda: delete_garbage(rebuild.group, stop))
        begun = reconnecting.until_done(lambda: rebuild.begin(name, actor=operator(), retry_skipped=retry_skipped))
        if begun is False:
            self.stderr.write(f"{rebuild.cursor.label}: continuing a rebuild that is in progress")


def _rebuilds(options: dict[str, Any]) -> dict[str, RebuildRunner]:
    """Return a rebuild for each group, by the name by which it was asked for; raises CommandError."""
    names = list(consumers.projectors) if options["all"] else options["name"]
    if not names or (options["all"] and options["name"]):
        raise CommandError("name the projectors to rebuild, or give --all for every one")
    groups: dict[tuple[str, ...], str] = {}
    rebuilds: dict[str, RebuildRunner] = {}
    for name in names:
        rebuild = rebuild_runner(name, batch_size(options))
        if groups.setdefault(rebuild.group.names, name) == name:
            rebuilds[name] = rebuild
    return rebuilds
