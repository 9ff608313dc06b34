"""Shows what consumers remember and the log does not hold, and lets them go on if it is told to."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from eventstore import store
from eventstore.consumers.recovering.differences import Difference, Remedy, differences
from eventstore.consumers.recovering.going_on import let_go_on
from eventstore.management.base import ConsoleCommand
from eventstore.management.running import operator

_LEFT = {Remedy.BY_HAND, Remedy.UNDER_WAY}


class Command(ConsoleCommand):
    """List the differences, or let the consumers go on."""

    help = (
        "After a forced promotion or a restore: shows where consumers, read models and receivers differ from the log."
        " With --yes it lets those that can go on do so, and records it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the consent and the reason."""
        parser.add_argument("--yes", action="store_true", help="let them go on")
        parser.add_argument("--reason", default="", help="why; it is recorded")
        parser.add_argument("--actor", default=operator(), help="who; by default the user of the operating system")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Show, and with --yes let go on; it ends with 1 if something is left to do."""
        store.durable_head()
        head = store.head()
        moment = "" if head.recorded_at is None else f", recorded at {head.recorded_at:%Y-%m-%d %H:%M:%S} UTC"
        self.stdout.write(f"the log ends at position {head.position}{moment}")
        found = list(differences(head.position))
        left = [one for one in found if not self._is_done(one, options)]
        if not found:
            self.stdout.write("nothing differs")
        elif left and not options["yes"]:
            raise CommandError(
                f"{len(left)} {_differences(left)}; once you know what is lost, run manage.py recover --yes --reason …"
            )
        elif left:
            raise CommandError(f"{len(left)} {_differences(left)} left")

    def _is_done(self, one: Difference, options: dict[str, Any]) -> bool:
        self.stdout.write(f"{one.subject} {one.fault}")
        if not options["yes"]:
            self.stdout.write(
                f"  with --yes: {one.remedy.value}" if one.remedy not in _LEFT else f"  {one.remedy.value}"
            )
            return one.remedy is Remedy.UNDER_WAY
        done = let_go_on(one, actor=options["actor"], reason=options["reason"])
        self.stdout.write(f"  {'done: ' if done else ''}{one.remedy.value}")
        return done or one.remedy is Remedy.UNDER_WAY


def _differences(left: list[Difference]) -> str:
    return "difference" if len(left) == 1 else "differences"
