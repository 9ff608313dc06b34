"""`manage.py followers`: what the followers of this machine do; pause, resume and skip them."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from eventstore.management.base import ConsoleCommand
from eventstore.management.running import operator
from relays.following import operating
from relays.models import Follower


class Command(ConsoleCommand):
    """List the followers, or operate one."""

    help = "List the followers of this database, or pause, resume or skip one; a skip names the message."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the action, the name, the message and --reason."""
        parser.add_argument("action", nargs="?", default="list", choices=("list", "pause", "resume", "skip"))
        parser.add_argument("name", nargs="?")
        parser.add_argument("message", nargs="?", type=int, help="the message at which it stopped, to be skipped")
        parser.add_argument("--reason", default="")

    def handle(self, *_args: Any, **options: Any) -> None:
        """List or operate."""
        action, name, reason = options["action"], options["name"], options["reason"]
        if action == "list":
            for row in Follower.objects.all():
                why = row.error_message or row.waiting_for
                self.stdout.write("\t".join((row.name, row.state, f"position {row.position}", *([why] if why else []))))
            return
        if not name or (action == "skip") != (options["message"] is not None):
            raise CommandError("pause and resume need a name, and skip a name and the number of the message")
        match action:
            case "pause":
                operating.pause(name, actor=operator(), reason=reason)
            case "resume":
                operating.resume(name, actor=operator(), reason=reason)
            case _:
                operating.skip(name, options["message"], actor=operator(), reason=reason)
