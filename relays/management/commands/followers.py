"""`manage.py followers`: what the followers of this database do; pause, resume and skip them."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from eventstore.errors import ReceiverAway
from eventstore.management.base import ConsoleCommand
from eventstore.management.running import operator
from relays.following import operating
from relays.following.status import FollowerStatus, follower_statuses


class Command(ConsoleCommand):
    """List the followers, or operate one."""

    help = (
        "List the followers of this database, and with JETSTREAM_URL every durable consumer of the stream; or pause,"
        " resume or skip one: a skip names the message."
    )

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
            self._list()
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

    def _list(self) -> None:
        behind = self._behind()
        own = follower_statuses()
        for status in own:
            self._write(status.name, status.state, f"position {status.position}", *_lag(status, behind), status.why)
        for name in sorted(behind.keys() - {status.name for status in own}):
            self._write(name, "elsewhere", f"{behind[name]} behind")
        if not own and not behind:
            self.stderr.write("no follower has run in this database: run_follower NAME --handler MODULE.FUNCTION")

    def _write(self, *cells: str) -> None:
        self.stdout.write("\t".join(filter(None, cells)))

    def _behind(self) -> Mapping[str, int]:
        """Return how far each durable consumer is behind; nothing if no server answers."""
        if not settings.JETSTREAM_URL:
            return {}
        from relays.following.durable import Durable  # noqa: PLC0415 - only who uses it loads its client

        with closing(Durable(settings.JETSTREAM_URL, settings.JETSTREAM_STREAM, "")) as stream:
            try:
                return stream.behind()
            except ReceiverAway as away:
                self.stderr.write(f"how far they are behind is not known: {away}")
                return {}


def _lag(status: FollowerStatus, behind: Mapping[str, int]) -> list[str]:
    lag = behind.get(status.name, status.lag_events)
    return [] if lag is None else [f"{lag} behind"]
