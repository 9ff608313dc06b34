"""Makes this database the home of its log, so that process managers and the daily cycle act on it."""

from typing import Any

from django.core.management.base import CommandParser

from eventstore import home
from eventstore.management.base import ConsoleCommand
from eventstore.management.running import operator


class Command(ConsoleCommand):
    """Adopt a copy. See Note [A copy does not act]."""

    help = "Lets process managers and the daily cycle act on a restored or imported ledger; stop the original first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the reason."""
        parser.add_argument("--reason", default="", help="why; it is recorded")
        parser.add_argument("--actor", default=operator(), help="who; by default the user of the operating system")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Adopt it."""
        before = home.adopt(actor=options["actor"], reason=options["reason"])
        self.stdout.write(f"the ledger is at home here now; before: {before or 'nowhere'}")
